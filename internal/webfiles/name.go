package webfiles

import (
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/modgw/modgw/internal/files"
)

// fileName is the name below the folder that a path means, without a slash at either end; folder
// says that the path had one at its end. ok is false for a path that no file answers.
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

// redirectToFolder sends the client to the same path with a slash at its end. The target is
// relative, so that no web server in front has to know where the app is mounted, and begins with
// "./", so that no name is taken for a host or scheme.
func redirectToFolder(w http.ResponseWriter, r *http.Request, requested string) {
	target := url.URL{Path: "./" + path.Base(requested) + "/", RawQuery: r.URL.RawQuery}
	w.Header().Set("Location", target.String())
	w.WriteHeader(http.StatusMovedPermanently)
}
