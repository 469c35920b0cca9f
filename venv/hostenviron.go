package venv

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/modgw/modgw/modgw"
)

// hostEnviron is the environment of the host, of which a build sees little.
type hostEnviron map[string]string

func newHostEnviron(environ []string) hostEnviron {
	h := make(hostEnviron, len(environ))
	for _, v := range environ {
		if key, value, ok := strings.Cut(v, "="); ok {
			h[key] = value
		}
	}
	return h
}

// toolSettings are the variables that locate interpreters and build tools.
var toolSettings = []string{"PATH", "HOME", "PYENV_ROOT", "UV_PYTHON_INSTALL_DIR", "XDG_DATA_HOME", "TZ"}

// knownTo returns the part of the host's environment that builds for a descriptor may see. It is
// everything for a descriptor of root on root's host, or of the user on a user's host. Another
// author could print it in a build, and gets only the variables about tools and networks, without
// passwords.
func (h hostEnviron) knownTo(d modgw.Descriptor) hostEnviron {
	if d.Owner == "" {
		return h
	}
	known := hostEnviron{}
	for key, value := range h {
		network := slices.Contains(networkSettings, key) && key != "NETRC" && !strings.Contains(value, "@")
		if network || slices.Contains(toolSettings, key) {
			known[key] = value
		}
	}
	return known
}

// pairs returns those of the variables that the host has, in their order, as "KEY=value".
func (h hostEnviron) pairs(keys ...string) (list []string) {
	for _, key := range keys {
		if value, ok := h[key]; ok {
			list = append(list, key+"="+value)
		}
	}
	return list
}

// networkSettings are the variables that control the access to an index; they are passed to builds
// with all variables that begin with PIP_ or UV_.
var networkSettings = []string{
	"http_proxy", "https_proxy", "no_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY",
	"SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NETRC", "TZ",
}

// misleadingSettings would make pip or uv install other packages, or into another place.
var misleadingSettings = []string{
	"PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_USER", "PIP_PYTHON", "PIP_REQUIRE_VIRTUALENV", "PIP_REQUIREMENT",
	"PIP_EDITABLE", "PIP_DRY_RUN", "PIP_LOG", "PIP_CACHE_DIR", "PIP_SRC", "PIP_REPORT", "PIP_IGNORE_INSTALLED",
	"PIP_QUIET", "PIP_VERBOSE", "PIP_NO_DEPS", "PIP_REQUIRE_HASHES",
	"UV_PYTHON", "UV_PROJECT", "UV_PROJECT_ENVIRONMENT", "UV_SYSTEM_PYTHON", "UV_CACHE_DIR", "UV_NO_CACHE",
	"UV_WORKING_DIRECTORY", "UV_VENV_CLEAR", "UV_VENV_SEED", "UV_PYTHON_DOWNLOADS", "UV_COMPILE_BYTECODE",
	"UV_REQUIRE_HASHES", "UV_FROZEN", "UV_LOCKED", "UV_NO_SYNC", "UV_NO_EDITABLE", "UV_ISOLATED", "UV_DEV", "UV_NO_DEV",
	"UV_NO_GROUP", "UV_NO_DEFAULT_GROUPS", "UV_VENV_RELOCATABLE", "UV_MANAGED_PYTHON", "UV_NO_MANAGED_PYTHON",
}

// decisiveSettings decide where packages come from and which are installed, so they are part of the
// hash that names an environment.
var decisiveSettings = []string{
	"PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_NO_INDEX", "PIP_CONFIG_FILE", "PIP_CONSTRAINT",
	"PIP_BUILD_CONSTRAINT", "PIP_PRE", "PIP_NO_BINARY", "PIP_ONLY_BINARY", "PIP_PREFER_BINARY",
	"PIP_UPLOADED_PRIOR_TO",
	"UV_INDEX", "UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS",
	"UV_INDEX_STRATEGY", "UV_CONFIG_FILE", "UV_NO_CONFIG", "UV_CONSTRAINT", "UV_OVERRIDE", "UV_BUILD_CONSTRAINT",
	"UV_PRERELEASE", "UV_RESOLUTION", "UV_NO_BINARY", "UV_NO_BUILD", "UV_EXCLUDE_NEWER", "UV_TORCH_BACKEND",
}

// systemConfigs are the files in which administrators configure the sources of packages.
var systemConfigs = []string{"/etc/pip.conf", "/etc/xdg/pip/pip.conf", "/etc/uv/uv.toml"}

// buildSettings returns the part of the host's environment that a build sees, as "KEY=value".
func (h hostEnviron) buildSettings() []string {
	var list []string
	for _, key := range slices.Sorted(maps.Keys(h)) {
		ours := strings.HasPrefix(key, "PIP_") || strings.HasPrefix(key, "UV_")
		if ours && !slices.Contains(misleadingSettings, key) || slices.Contains(networkSettings, key) {
			list = append(list, key+"="+h[key])
		}
	}
	return list
}

// pythonBuildSettings keep pip and uv quiet and their caches where the host keeps them.
func pythonBuildSettings(cache string) []string {
	return []string{
		"PIP_CACHE_DIR=" + filepath.Join(cache, "pip"), "PIP_NO_INPUT=1", "PIP_DISABLE_PIP_VERSION_CHECK=1",
		"PIP_PROGRESS_BAR=off", "PIP_NO_COLOR=1", "PIP_NO_WARN_SCRIPT_LOCATION=1", "PIP_ROOT_USER_ACTION=ignore",
		"UV_CACHE_DIR=" + filepath.Join(cache, "uv"), "UV_NO_PROGRESS=1", "UV_COMPILE_BYTECODE=1", "UV_PYTHON_DOWNLOADS=never",
	}
}

// indexSettings returns the settings about sources of packages, for the hash.
func (h hostEnviron) indexSettings() []string {
	list := h.pairs(decisiveSettings...)
	for _, file := range append([]string{h["PIP_CONFIG_FILE"], h["UV_CONFIG_FILE"]}, systemConfigs...) {
		if data, err := os.ReadFile(file); err == nil {
			list = append(list, file+"="+string(data))
		}
	}
	return list
}

// uvFindEnviron is for uv python find, which must see where uv keeps its interpreters.
func (h hostEnviron) uvFindEnviron() []string {
	list := []string{"UV_PYTHON_DOWNLOADS=never", "UV_NO_CACHE=1", "PATH=" + safePath, "HOME=" + h["HOME"]}
	return append(list, h.pairs("UV_PYTHON_INSTALL_DIR", "XDG_DATA_HOME")...)
}

// pythonDirs returns the folders of PATH and the usual ones. If PATH has pyenv's shims, which find
// another Python in every folder, pyenv's global version replaces them.
func (h hostEnviron) pythonDirs() []string {
	var dirs []string
	for _, dir := range append(filepath.SplitList(h["PATH"]), "/usr/bin", "/usr/local/bin") {
		if filepath.Base(dir) == "shims" {
			dir = h.pyenvGlobal()
		}
		if filepath.IsAbs(dir) && !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

// find looks a program up in the host's PATH; "" when it is not there.
func (h hostEnviron) find(name string) string {
	for _, dir := range filepath.SplitList(h["PATH"]) {
		if path := filepath.Join(dir, name); filepath.IsAbs(path) {
			if found, err := exec.LookPath(path); err == nil {
				return found
			}
		}
	}
	return ""
}
