package fastcgi

import (
	"path"
	"strings"

	"github.com/modgw/modgw/modgw/cgi"
	"github.com/modgw/modgw/modgw/fcgi"
)

// maxParams is the largest size of a request's variables in bytes, as in other servers.
const maxParams = 1 << 20

// params returns a request's variables as a FastCGI stream: first those of CGI, then those of the
// descriptor if the program has its environment from elsewhere, then those that the web server's
// administrator has set. The first value of a name counts.
func (c *call) params(where location, length int64) []byte {
	var b []byte
	seen := map[string]bool{}
	set := func(name, value string) {
		if !seen[name] {
			seen[name] = true
			b = fcgi.AppendPair(b, name, value)
		}
	}
	cgi.Variables(c.R, c.Info, where.Script, length, set)
	set("FCGI_ROLE", "RESPONDER")
	if where.filename != "" {
		set("SCRIPT_FILENAME", where.filename)
		set("DOCUMENT_ROOT", where.root)
		set("REDIRECT_STATUS", "200") // informs php-cgi that a web server chose the script
		if where.PathInfo != "" {
			set("PATH_TRANSLATED", where.root+path.Clean(where.PathInfo))
		}
	}
	if c.runner.pool == nil {
		for name, value := range c.Config.Descriptor.Env {
			set(name, value)
		}
		if ini := phpAdminValue(*c.Config.Descriptor.FastCGI); ini != "" {
			set("PHP_ADMIN_VALUE", ini)
		}
	}
	for name, value := range c.Info.Variables {
		if !reserved(name) {
			set(name, value)
		}
	}
	return b
}

// reserved reports whether a variable selects the code or settings that a program executes, or
// could be mistaken for a variable of CGI. A web server in front may not set it.
func reserved(name string) bool {
	switch name {
	case "CONTENT_LENGTH", "CONTENT_TYPE", "PATH_INFO", "REMOTE_USER", "AUTH_TYPE", "HTTPS", "PHPRC", "PHP_INI_SCAN_DIR":
		return true
	}
	for _, prefix := range [...]string{"HTTP_", "PHP_VALUE", "PHP_ADMIN_VALUE", "SCRIPT_", "DOCUMENT_", "PATH_", "ORIG_", "REDIRECT_STATUS", "FCGI_"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}
