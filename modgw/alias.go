package modgw

import (
	"net/http"
	"os"
	"strings"
	"syscall"

	"github.com/modgw/modgw/internal/account"
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
	file, err := openBeneath(generation.user, alias.Dir, rest)
	if err != nil {
		g.log.Debug("file not served", "app", generation.Descriptor.Name, "error", err.Error())
		http.Error(w, "404 Not Found", http.StatusNotFound)
		return
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		http.Error(w, "404 Not Found", http.StatusNotFound)
		return
	}
	http.ServeContent(w, r, info.Name(), info.ModTime(), file)
}

func openBeneath(user *account.Account, dir, name string) (file *os.File, err error) {
	err = user.Do(func() error {
		root, err := os.OpenRoot(dir)
		if err != nil {
			return err
		}
		defer root.Close()
		// Not blocking on a pipe that somebody put there.
		file, err = root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
		return err
	})
	return file, err
}
