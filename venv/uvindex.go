package venv

import (
	"os"
	"slices"
	"strings"

	"github.com/modgw/modgw/internal/lazyregexp"
)

// pipIndexLine matches a line of pip.conf that sets the source of packages.
var pipIndexLine = lazyregexp.New(`(?m)^\s*(index[-_]url|extra[-_]index[-_]url|find[-_]links|no[-_]index)\s*[=:]`)

// onlyPipKnowsIndex reports whether a file of pip names an index and no setting of uv does.
func (h hostEnviron) onlyPipKnowsIndex() bool {
	files := []string{h["PIP_CONFIG_FILE"], "/etc/pip.conf", "/etc/xdg/pip/pip.conf"}
	return !h.uvKnowsIndex() && slices.ContainsFunc(files, func(file string) bool {
		data, err := os.ReadFile(file)
		return err == nil && pipIndexLine.MatchString(string(data))
	})
}

// uvKnowsIndex reports whether uv itself has a source of packages configured.
func (h hostEnviron) uvKnowsIndex() bool {
	if _, err := os.Stat("/etc/uv/uv.toml"); err == nil {
		return true
	}
	keys := []string{"UV_INDEX", "UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS", "UV_CONFIG_FILE"}
	return slices.ContainsFunc(keys, func(key string) bool { return h[key] != "" })
}

// inWordsOfUV translates settings of pip, so that both take the same packages from the same place.
func (h hostEnviron) inWordsOfUV() (noIndex bool, environ []string) {
	noIndex = !slices.Contains([]string{"", "0", "false", "no", "off"}, strings.ToLower(h["PIP_NO_INDEX"]))
	for pip, uv := range map[string]string{
		"PIP_INDEX_URL": "UV_DEFAULT_INDEX", "PIP_EXTRA_INDEX_URL": "UV_INDEX", "PIP_CERT": "SSL_CERT_FILE",
		"PIP_TRUSTED_HOST": "UV_INSECURE_HOST",
	} {
		if value := h[pip]; value != "" && h[uv] == "" {
			environ = append(environ, uv+"="+value)
		}
	}
	if links := strings.Fields(h["PIP_FIND_LINKS"]); len(links) > 0 {
		environ = append(environ, "UV_FIND_LINKS="+strings.Join(links, ","))
	}
	return noIndex, environ
}
