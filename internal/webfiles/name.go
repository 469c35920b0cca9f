package webfiles

import (
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/modgw/modgw/internal/files"
)

// fileName returns the name, below the folder, of the file that a path refers to, without a slash
// at either end. folder reports whether the path ends with a slash. ok is false if no file can
// match.
func fileName(pathInfo string) (name string, folder, ok bool) {
	name, folder = strings.CutSuffix(strings.TrimPrefix(pathInfo, "/"), "/")
	if name == "" {
		return "", pathInfo != "", pathInfo == "" || pathInfo == "/"
	}
	if !files.Public(name) {
		return "", false, false
	}
	return name, folder, true
}

// redirectToFolder redirects the client to the same path with a slash at its end. The target is
// relative, so that a web server in front need not know where the app is mounted, and begins with
// "./", so that a name cannot be mistaken for a host or a scheme.
func redirectToFolder(w http.ResponseWriter, r *http.Request, requested string) {
	target := url.URL{Path: "./" + path.Base(requested) + "/", RawQuery: r.URL.RawQuery}
	w.Header().Set("Location", target.String())
	w.WriteHeader(http.StatusMovedPermanently)
}
