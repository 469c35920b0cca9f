package static

import (
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/modgw/modgw/internal/faulttest"
	"github.com/modgw/modgw/modgw"
)

// site creates a folder with files and its runner. A file with the text "" is an empty folder.
func site(t *testing.T, files map[string]string) (*Runner, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "public")
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	r, err := New(modgw.RunnerConfig{
		Descriptor: modgw.Descriptor{Name: "docs", Kind: modgw.KindStatic, Static: &modgw.Static{Dir: dir, Files: modgw.Files{Index: []string{"index.html"}}}},
		Log:        slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	if err == nil {
		err = r.Start(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	return r, dir
}

// ask requests a path of the app, which is mounted at mount, "" for "/".
func ask(r *Runner, method, mount, pathInfo string, header http.Header) *httptest.ResponseRecorder {
	req := httptest.NewRequest(method, "/", nil)
	if header != nil {
		req.Header = header
	}
	info := &modgw.RequestInfo{Path: mount + pathInfo, ScriptName: mount, PathInfo: pathInfo}
	w := httptest.NewRecorder()
	r.ServeHTTP(w, req.WithContext(modgw.WithRequestInfo(req.Context(), info)))
	return w
}

func TestPathsAndTheirFiles(t *testing.T) {
	r, dir := site(t, map[string]string{
		"index.html": "home", "sub/index.html": "sub", "bare/a.txt": "a", ".env": "secret", ".git/config": "secret",
		"sub/.hidden/a": "secret", ".well-known/security.txt": "contact", "a:b/index.html": "colon", "back\\slash": "odd", "../secret": "secret",
		"%2e%2e/a": "percent", "page.html~": "old", "page.bak": "old", "#page.html#": "old", "index.php": "source",
	})
	if err := errors.Join(os.Symlink("../secret", filepath.Join(dir, "link")), os.Symlink("bare/a.txt", filepath.Join(dir, "inside"))); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		mount, path string
		status      int
		want        string // the body, or the Location of a 301
	}{
		{"", "/", 200, "home"},
		{"", "/index.html", 200, "home"},
		{"", "/sub/", 200, "sub"},
		{"", "/sub", 301, "./sub/"},
		{"/docs", "", 301, "./docs/"},
		{"/docs", "/", 200, "home"},
		{"/docs", "/sub", 301, "./sub/"},
		{"", "/a:b", 301, "./a:b/"},
		{"", "/bare/a.txt", 200, "a"},
		{"", "/inside", 200, "a"},
		{"", "/bare/a.txt/", 404, ""},
		{"", "/bare/", 404, ""},
		{"", "/bare", 404, ""},
		{"", "/none", 404, ""},
		{"", "/.env", 404, ""},
		{"", "/.git/config", 404, ""},
		{"", "/sub/.hidden/a", 404, ""},
		{"", "/sub/.well-known/", 404, ""},
		{"", "/.well-known/security.txt", 200, "contact"},
		{"", "/.well-known/.hidden", 404, ""},
		{"", "/../secret", 404, ""},
		{"", "/sub/../../secret", 404, ""},
		{"", "/..\\secret", 404, ""},
		{"", "/%2e%2e/a", 200, "percent"}, // was decoded once already
		{"", "//sub/", 404, ""},
		{"", "//sub", 404, ""},
		{"", "/sub//index.html", 404, ""},
		{"", "/link", 404, ""},
		{"", "/page.html~", 404, ""},
		{"", "/page.bak", 404, ""},
		{"", "/#page.html#", 404, ""},
		{"", "/index.php", 404, ""},
		{"", "/a\x00", 404, ""},
		{"", "/index.html\x00.txt", 404, ""},
		{"", "/back\\slash", 200, "odd"},
		{"", "/" + strings.Repeat("long", 2000), 404, ""},
	} {
		w := ask(r, "GET", c.mount, c.path, nil)
		got := w.Body.String()
		switch w.Code {
		case 301:
			got = w.Header().Get("Location")
		case 404:
			got = ""
		}
		if w.Code != c.status || got != c.want {
			t.Errorf("%s%q: %d %q, want %d %q", c.mount, c.path, w.Code, got, c.status, c.want)
		}
	}
}

func TestLinksOutOfTheFolderAreLogged(t *testing.T) {
	r, dir := site(t, map[string]string{"../secret": "secret", "a.txt": "a", "sub/b.txt": "b"})
	for _, name := range []string{"link", "sub/index.html"} {
		if err := os.Symlink(filepath.Join(filepath.Dir(dir), "secret"), filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	var log strings.Builder
	r.site.Log = slog.New(slog.NewTextHandler(&log, nil))
	for _, path := range []string{"/none", "/.env", "/link", "/sub/"} {
		if w := ask(r, "GET", "", path, nil); w.Code != 404 || strings.Contains(w.Body.String(), "secret") {
			t.Errorf("%s: %d %q", path, w.Code, w.Body)
		}
	}
	if n := strings.Count(log.String(), "the path leads out of the folder"); n != 2 || strings.Count(log.String(), "\n") != 2 {
		t.Errorf("%d are named:\n%s", n, &log)
	}
}

func TestOnlyGetAndHeadAreAnswered(t *testing.T) {
	r, _ := site(t, map[string]string{"a.txt": "text"})
	if w := ask(r, "HEAD", "", "/a.txt", nil); w.Code != 200 || w.Body.Len() > 0 || w.Header().Get("Content-Length") != "4" {
		t.Errorf("HEAD: %d %q %v", w.Code, w.Body, w.Header())
	}
	for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PROPFIND"} {
		if w := ask(r, method, "", "/a.txt", nil); w.Code != 405 || w.Header().Get("Allow") != "GET, HEAD" {
			t.Errorf("%s: %d, Allow %q", method, w.Code, w.Header().Get("Allow"))
		}
	}
}

func TestRangesAndConditions(t *testing.T) {
	r, dir := site(t, map[string]string{"a.txt": "0123456789"})
	whole := ask(r, "GET", "", "/a.txt", nil)
	tag, modified := whole.Header().Get("ETag"), whole.Header().Get("Last-Modified")
	for _, c := range []struct {
		name, value string
		status      int
		body        string
	}{
		{"Range", "bytes=2-4", 206, "234"},
		{"Range", "bytes=-2", 206, "89"},
		{"Range", "bytes=20-", 416, ""},
		{"If-None-Match", tag, 304, ""},
		{"If-None-Match", `"other"`, 200, "0123456789"},
		{"If-Modified-Since", modified, 304, ""},
		{"If-Match", `"other"`, 412, ""},
	} {
		w := ask(r, "GET", "", "/a.txt", http.Header{c.name: {c.value}})
		if w.Code != c.status || c.status < 300 && w.Body.String() != c.body {
			t.Errorf("%s: %s: %d %q, want %d %q", c.name, c.value, w.Code, w.Body, c.status, c.body)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "a.txt"), []byte("other, and longer"), 0o644); err != nil {
		t.Fatal(err)
	}
	if w := ask(r, "GET", "", "/a.txt", http.Header{"If-None-Match": {tag}}); w.Code != 200 {
		t.Errorf("after a change: %d", w.Code)
	}
	if w := ask(r, "GET", "", "/a.txt", http.Header{"Range": {"bytes=0-1"}, "If-Range": {tag}}); w.Code != 200 {
		t.Errorf("a range of what has changed: %d", w.Code)
	}
}

func TestPrecompressedSiblings(t *testing.T) {
	r, dir := site(t, map[string]string{
		"both.css": "plain", "both.css.br": "brotli", "both.css.gz": "gzip", "zip.js": "plain", "zip.js.gz": "gzip", "none.txt": "plain",
		"old.css": "plain", "old.css.br": "old", "alone.css.br": "brotli", "NOTES": "text", "NOTES.gz": "\x1f\x8b",
	})
	past := time.Now().Add(-time.Hour)
	for _, name := range []string{"both.css", "zip.js", "NOTES", "old.css.br"} {
		if err := os.Chtimes(filepath.Join(dir, name), past, past); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ path, accept, encoding, body, vary string }{
		{"/both.css", "gzip, deflate, br", "br", "brotli", "Accept-Encoding"},
		{"/both.css", "gzip", "gzip", "gzip", "Accept-Encoding"},
		{"/both.css", "br;q=0, GZIP; q=0.5", "gzip", "gzip", "Accept-Encoding"},
		{"/both.css", "br;q=0.000", "", "plain", "Accept-Encoding"},
		{"/both.css", "br;q=x", "", "plain", "Accept-Encoding"},
		{"/both.css", "", "", "plain", "Accept-Encoding"},
		{"/zip.js", "br", "", "plain", "Accept-Encoding"},
		{"/zip.js", "br, gzip", "gzip", "gzip", "Accept-Encoding"},
		{"/none.txt", "br, gzip", "", "plain", ""},
		{"/old.css", "br", "", "plain", ""},
		{"/NOTES", "gzip", "gzip", "\x1f\x8b", "Accept-Encoding"},
	} {
		w := ask(r, "GET", "", c.path, http.Header{"Accept-Encoding": {c.accept}})
		h := w.Header()
		if w.Body.String() != c.body || h.Get("Content-Encoding") != c.encoding || h.Get("Vary") != c.vary {
			t.Errorf("%s, %q: %q %v", c.path, c.accept, w.Body, h)
		}
		if h.Get("Content-Length") == "" {
			t.Errorf("%s, %q: no length", c.path, c.accept)
		}
	}
	br := ask(r, "GET", "", "/both.css", http.Header{"Accept-Encoding": {"br"}}).Header()
	plain := ask(r, "GET", "", "/both.css", nil).Header()
	if br.Get("ETag") == plain.Get("ETag") || br.Get("Content-Type") != plain.Get("Content-Type") {
		t.Errorf("%v and %v", br, plain)
	}
	if got := ask(r, "GET", "", "/NOTES", http.Header{"Accept-Encoding": {"gzip"}}).Header().Get("Content-Type"); !strings.HasPrefix(got, "text/plain") {
		t.Errorf("type of a compressed file without extension: %q", got)
	}
	if w := ask(r, "GET", "", "/alone.css", http.Header{"Accept-Encoding": {"br"}}); w.Code != 404 {
		t.Errorf("a sibling alone: %d", w.Code)
	}
	if w := ask(r, "GET", "", "/both.css", http.Header{"Accept-Encoding": {"br"}, "Range": {"bytes=1-2"}}); w.Code != 206 || w.Body.String() != "ro" {
		t.Errorf("a range: %d %q", w.Code, w.Body)
	}
}

func TestContentTypes(t *testing.T) {
	r, _ := site(t, map[string]string{
		"a.css": "x", "a.JS": "x", "a.html": "x", "a.svg": "<svg/>", "a.woff2": "x", "a.json": "{}", "LICENSE": "words", "evil": "<html><script>", "data": "\x00\x01", "a.css.gz": "x",
	})
	for path, want := range map[string]string{
		"/a.css": "text/css; charset=utf-8", "/a.JS": "text/javascript; charset=utf-8", "/a.html": "text/html; charset=utf-8",
		"/a.svg": "image/svg+xml", "/a.woff2": "font/woff2", "/a.json": "application/json", "/LICENSE": "text/plain; charset=utf-8",
		"/evil": "application/octet-stream", "/data": "application/octet-stream", "/a.css.gz": "application/gzip",
	} {
		h := ask(r, "GET", "", path, nil).Header()
		if h.Get("Content-Type") != want || h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %v, want %s", path, h, want)
		}
	}
}

func TestFolderThatIsNotThereIsAFault(t *testing.T) {
	r, err := New(modgw.RunnerConfig{Descriptor: modgw.Descriptor{Name: "docs", Static: &modgw.Static{Dir: "/none/such"}}})
	if err != nil {
		t.Fatal(err)
	}
	if f, ok := errors.AsType[*modgw.Fault](r.Start(t.Context())); !ok || !faulttest.Has(f.Error(), "MGW-APP-019") {
		t.Errorf("%v", f)
	}
}
