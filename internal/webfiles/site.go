package webfiles

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/modgw/modgw/internal/files"
)

// Site is a folder whose files are served.
type Site struct {
	Folder files.Folder           // folder of the files
	Index  []string               // the first existing one answers for a folder; empty: 404
	Cache  string                 // the Cache-Control of every file; "": none is sent
	Types  map[string]string      // content types by lower-case extension, such as ".wasm"
	Hide   func(name string) bool // further hidden names, relative to the folder; nil: none
	// receives the reasons why files were not served, at level debug unless access was denied
	Log *slog.Logger
}

// Serve answers a request for pathInfo below the folder; requested is the whole path, as the client
// knows it.
func (s *Site) Serve(w http.ResponseWriter, r *http.Request, requested, pathInfo string) {
	if !allowMethod(w, r) {
		return
	}
	found, err := s.find(pathInfo, r.Header["Accept-Encoding"])
	switch {
	case err != nil:
		s.notFound(w, err)
	case found.file == nil:
		redirectToFolder(w, r, requested)
	default:
		defer found.file.Close()
		s.send(w, r, found)
	}
}

// ServeFile answers a request with the file called name, relative to the folder. The name may be
// one that is otherwise private.
func (s *Site) ServeFile(w http.ResponseWriter, r *http.Request, name string) {
	if !allowMethod(w, r) {
		return
	}
	found, err := s.openNamed(name, r.Header["Accept-Encoding"])
	if err != nil {
		s.notFound(w, err)
		return
	}
	defer found.file.Close()
	s.send(w, r, found)
}

func allowMethod(w http.ResponseWriter, r *http.Request) bool {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return true
	}
	w.Header().Set("Allow", "GET, HEAD")
	http.Error(w, "405 Method Not Allowed", http.StatusMethodNotAllowed)
	return false
}

// notFound hides from the client why there is no file. A request for a file that exists and may not
// be served is a mistake of the app's owner, or an attack.
func (s *Site) notFound(w http.ResponseWriter, why error) {
	level := slog.LevelDebug
	if files.IsDenied(why) {
		level = slog.LevelWarn
	}
	s.Log.Log(context.Background(), level, "file not served", "folder", s.Folder.Dir, "error", why.Error())
	http.Error(w, "404 Not Found", http.StatusNotFound)
}
