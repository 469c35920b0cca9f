package modgw

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// sendfileSite creates a folder with private files, and an app that may send some of them. The app
// answers with the headers in the query, and with its own body.
func sendfileSite(t *testing.T, software string) (dir, url string) {
	dir = t.TempDir()
	for _, name := range []string{"private/report.pdf", "private/a b/ü.txt", "private/.git/config", "films/one.mp4", "secret.txt"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("content of "+name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("../secret.txt", filepath.Join(dir, "private/link")); err != nil {
		t.Fatal(err)
	}
	g := testGateway(t, &stage{serve: func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/x-mine")
		w.Header().Set("Content-Length", "11")
		w.Header().Set("Content-Disposition", "attachment")
		status := http.StatusOK
		for name, values := range r.URL.Query() {
			if name == "status" {
				fmt.Sscan(values[0], &status)
				continue
			}
			w.Header().Set(name, values[0])
		}
		if r.URL.Query().Has("status") {
			w.WriteHeader(status)
		}
		io.WriteString(w, "hello world")
	}})
	d := descriptor("")
	d.Root = dir
	d.Sendfiles = []Sendfile{{Path: "/protected", Dir: filepath.Join(dir, "private")}, {Path: "/films", Dir: filepath.Join(dir, "films"), Front: true}}
	deploy(t, g, d)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		info := RequestInfoOf(r)
		if info.ServerSoftware = software; software != "" {
			info.Front = "fcgi"
		}
		g.ServeHTTP(w, r.WithContext(WithRequestInfo(r.Context(), info)))
	}))
	t.Cleanup(server.Close)
	return dir, server.URL
}

func fetch(t *testing.T, url, query, header string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequest("GET", url+"/?"+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	if name, value, ok := strings.Cut(header, ": "); ok {
		r.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer http.DefaultClient.CloseIdleConnections()
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

func TestFilesThatAnAppNamesAreSentWithinItsFolders(t *testing.T) {
	dir, url := sendfileSite(t, "")
	for _, c := range []struct {
		query, want string
		status      int
	}{
		{"", "hello world", 200},
		{"X-Sendfile=" + dir + "/private/report.pdf", "content of private/report.pdf", 200},
		{"X-Sendfile=private/report.pdf", "content of private/report.pdf", 200},
		{"X-Sendfile=private/a%20b/%C3%BC.txt", "content of private/a b/ü.txt", 200},
		{"X-Sendfile=private/../private/report.pdf", "content of private/report.pdf", 200},
		{"X-Accel-Redirect=/protected/report.pdf", "content of private/report.pdf", 200},
		{"X-Accel-Redirect=/protected/a%2520b/%25C3%25BC.txt%3Fx=1", "content of private/a b/ü.txt", 200},
		{"X-Accel-Redirect=/films/one.mp4", "content of films/one.mp4", 200},
		{"X-Sendfile=private/report.pdf&status=404", "hello world", 404},

		{"X-Sendfile=private/none", "", 404},
		{"X-Sendfile=private", "", 500},
		{"X-Sendfile=secret.txt", "", 500},
		{"X-Sendfile=/etc/passwd", "", 500},
		{"X-Sendfile=private/../secret.txt", "", 500},
		{"X-Sendfile=private/link", "", 500},
		{"X-Sendfile=private/.git/config", "", 500},
		{"X-Accel-Redirect=/protected/../secret.txt", "", 500},
		{"X-Accel-Redirect=/protected/%252e%252e/secret.txt", "", 500},
		{"X-Accel-Redirect=/protected", "", 500},
		{"X-Accel-Redirect=/protectedx/report.pdf", "", 500},
		{"X-Accel-Redirect=//evil.example/protected/report.pdf", "", 500},
		{"X-Accel-Redirect=/private/report.pdf", "", 500},
	} {
		resp, body := fetch(t, url, c.query, "")
		if resp.StatusCode != c.status || c.want != "" && body != c.want || strings.Contains(body, "secret.txt\n") || strings.Contains(body, "content of secret") {
			t.Errorf("%s: %s %q, want %d %q", c.query, resp.Status, body, c.status, c.want)
		}
		if resp.Header.Get("X-Sendfile")+resp.Header.Get("X-Accel-Redirect") != "" {
			t.Errorf("%s: the client is told %v", c.query, resp.Header)
		}
	}
}

func TestFileThatAnAppNamesHasTheHeadersOfTheAppAndItsOwnLength(t *testing.T) {
	_, url := sendfileSite(t, "")
	const query = "X-Sendfile=private/report.pdf&Content-Encoding=gzip&ETag=%22mine%22"
	resp, body := fetch(t, url, query, "")
	if resp.Header.Get("Content-Type") != "application/x-mine" || resp.Header.Get("Content-Disposition") != "attachment" ||
		resp.ContentLength != int64(len(body)) || resp.Header.Get("Content-Encoding") != "" || resp.Header.Get("ETag") == `"mine"` {
		t.Errorf("%d bytes of %d, %v", resp.ContentLength, len(body), resp.Header)
	}
	if part, text := fetch(t, url, query, "Range: bytes=0-6"); part.StatusCode != 206 || text != "content" {
		t.Errorf("a range: %s %q", part.Status, text)
	}
	if again, _ := fetch(t, url, query, "If-None-Match: "+resp.Header.Get("ETag")); again.StatusCode != 304 {
		t.Errorf("with its ETag: %s", again.Status)
	}
}

// A web server in front gets the header if the descriptor allows it, and if the web server knows
// the header.
func TestWebServerInFrontSendsTheFilesThatAreLeftToIt(t *testing.T) {
	for _, c := range []struct{ software, query, passed string }{
		{"nginx/1.22.1", "X-Accel-Redirect=/films/one.mp4", "/films/one.mp4"},
		{"nginx/1.22.1", "X-Accel-Redirect=/protected/report.pdf", ""},
		{"nginx/1.22.1", "X-Accel-Redirect=/elsewhere", ""},
		{"nginx/1.22.1", "X-Sendfile=films/one.mp4", ""},
		{"Apache/2.4.71", "X-Sendfile=films/one.mp4", "films/one.mp4"},
		{"lighttpd/1.4.69", "X-Sendfile=films/one.mp4", "films/one.mp4"},
		{"lighttpd/1.4.69", "X-Accel-Redirect=/films/one.mp4", ""},
		{"", "X-Accel-Redirect=/films/one.mp4", ""},
	} {
		_, url := sendfileSite(t, c.software)
		resp, body := fetch(t, url, c.query, "")
		if got := resp.Header.Get("X-Accel-Redirect") + resp.Header.Get("X-Sendfile"); got != c.passed || c.passed != "" && body != "hello world" {
			t.Errorf("%q, %s: passed %q, %s %q", c.software, c.query, got, resp.Status, body)
		}
	}
}
