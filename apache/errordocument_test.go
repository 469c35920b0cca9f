package apache_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/modgw/modgw/apache"
	"github.com/modgw/modgw/internal/fronttest"
	"github.com/modgw/modgw/modgw"
)

// failing is an app that answers with the status in the path, and has a page for errors.
func failing(w http.ResponseWriter, r *http.Request) {
	info := modgw.RequestInfoOf(r)
	var status int
	if _, err := fmt.Sscanf(info.Path, "/fail/%d", &status); err == nil {
		w.WriteHeader(status)
		io.WriteString(w, "the app's own page")
		return
	}
	if _, err := fmt.Sscanf(info.Variables["REDIRECT_STATUS"], "%d", &status); err == nil {
		w.WriteHeader(status)
	}
	fmt.Fprintf(w, "page of %s for %s of %s", info.Path, info.Variables["REDIRECT_STATUS"], info.Variables["REDIRECT_URL"])
}

// TestErrorDocumentsOfApacheTakeThePlaceOfPages has Apache answer errors with a file that it sends
// itself, and with a page of an app, in addition to the generated configuration.
func TestErrorDocumentsOfApacheTakeThePlaceOfPages(t *testing.T) {
	dir := fronttest.Dir(t)
	if err := os.WriteFile(filepath.Join(dir, "busy.html"), []byte("busy, and no app was asked"), 0o644); err != nil {
		t.Fatal(err)
	}
	site := wsgi("site", "/")
	site.Aliases = []modgw.Alias{{Path: "/errors", Dir: dir}}
	listener := serve(t, failing)
	for name, c := range map[string]struct {
		lines string
		want  map[string]string
	}{
		"all errors": {
			"ProxyErrorOverride On\nErrorDocument 404 /pages/missing\nErrorDocument 503 /errors/busy.html",
			map[string]string{
				"/fail/404": "404 page of /pages/missing for 404 of /fail/404",
				"/fail/503": "503 busy, and no app was asked",
				"/x":        "200 page of /x for  of ",
			},
		},
		"some errors": {
			"ProxyErrorOverride On 502 503 504\nErrorDocument 404 /pages/missing\nErrorDocument 503 /errors/busy.html",
			map[string]string{
				"/fail/404": "404 the app's own page",
				"/fail/503": "503 busy, and no app was asked",
			},
		},
		"none": {
			"ErrorDocument 404 /pages/missing",
			map[string]string{"/fail/404": "404 the app's own page", "/fail/503": "503 the app's own page"},
		},
	} {
		port := fronttest.FreePort(t)
		inside, err := apache.Directives("", []modgw.Descriptor{site}, []modgw.Listener{listener})
		if err != nil {
			t.Fatal(err)
		}
		fronttest.StartApache(t, fmt.Sprintf("Listen 127.0.0.1:%d\n<VirtualHost *:%d>\nServerName localhost\n%s\n%s\n</VirtualHost>\n",
			port, port, c.lines, inside))
		for path, want := range c.want {
			resp, body := get(t, fmt.Sprintf("http://127.0.0.1:%d%s", port, path), "localhost")
			if got := fmt.Sprintf("%d %s", resp.StatusCode, body); strings.TrimSpace(got) != strings.TrimSpace(want) {
				t.Errorf("%s: %s is %q, want %q", name, path, got, want)
			}
		}
	}
}
