package webfiles

import (
	"errors"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/modgw/modgw/internal/files"
)

// FuzzFileName holds that no path leads to a name with an empty segment or one that begins with a
// dot.
func FuzzFileName(f *testing.F) {
	for _, path := range []string{"", "/", "/a/b/", "/../a", "/.well-known/x", "//a", "/a/./b", "/\xff\x00"} {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		name, _, ok := fileName(path)
		if !ok || name == "" {
			return
		}
		for i, segment := range strings.Split(name, "/") {
			if segment == "" || segment[0] == '.' && (i > 0 || segment != ".well-known") {
				t.Errorf("%q leads to %q", path, name)
			}
		}
	})
}

func TestSettingsOfASite(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"sub/start.htm": "start", "map.geojson": "{}", "secret.txt": "s", ".hidden": "one"} {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	site := Site{
		Folder: files.Folder{Dir: dir}, Index: []string{"index.html", "start.htm"}, Cache: "max-age=60",
		Types: map[string]string{".geojson": "application/geo+json"}, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
		Hide: func(name string) bool { return name == "secret.txt" },
	}
	for path, want := range map[string]struct {
		status    int
		body, typ string
	}{
		"/sub/": {200, "start", "text/html; charset=utf-8"}, "/map.geojson": {200, "{}", "application/geo+json"},
		"/secret.txt": {404, "", ""}, "/": {404, "", ""},
	} {
		w := httptest.NewRecorder()
		site.Serve(w, httptest.NewRequest("GET", "/", nil), path, path)
		if w.Code != want.status || w.Code == 200 && (w.Body.String() != want.body || w.Header().Get("Content-Type") != want.typ ||
			w.Header().Get("Cache-Control") != "max-age=60" || w.Header().Get("ETag") == "") {
			t.Errorf("%s: %d %q %v", path, w.Code, w.Body, w.Header())
		}
	}
	w := httptest.NewRecorder()
	site.ServeFile(w, httptest.NewRequest("GET", "/", nil), ".hidden")
	if w.Code != 200 || w.Body.String() != "one" {
		t.Errorf("a file that is named: %d %q", w.Code, w.Body)
	}
}
