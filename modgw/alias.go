package modgw

import (
	"net/http"
	"strings"

	"github.com/modgw/modgw/internal/files"
)

// findAlias returns the alias that holds a path below the mount, and what follows the alias in it.
func findAlias(aliases []Alias, pathInfo string) (alias Alias, rest string, ok bool) {
	for _, a := range aliases {
		if rest, ok := strings.CutPrefix(pathInfo, strings.TrimSuffix(a.Path, "/")+"/"); ok {
			return a, rest, true
		}
	}
	return Alias{}, "", false
}

// serveAlias answers with a file below the alias's folder. The file is opened with the rights of the app's user, and no
// link leads out of the folder. A folder has no listing.
func (g *Gateway) serveAlias(w http.ResponseWriter, r *http.Request, generation *Generation, alias Alias, rest string) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "405 Method Not Allowed", http.StatusMethodNotAllowed)
		return
	}
	file, err := files.Folder{Dir: alias.Dir, User: generation.user}.Open(rest)
	if err != nil {
		g.log.Debug("file not served", "app", generation.Descriptor.Name, "error", err.Error())
		http.Error(w, "404 Not Found", http.StatusNotFound)
		return
	}
	defer file.Close()
	http.ServeContent(w, r, file.Info.Name(), file.Info.ModTime(), file)
}
