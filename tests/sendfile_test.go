package tests

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/modgw/modgw/internal/fronttest"
)

// namingApp answers with the header that the query names.
const namingApp = `
def application(environ, start_response):
    name, _, value = environ["QUERY_STRING"].partition("=")
    start_response("200 OK", [("Content-Type", "text/x-mine"), (name, value)])
    return [b"of the app"]
`

// TestFilesThatAnAppNamesReachClientsBehindEveryServer has a WSGI app name files behind each web
// server, which sends the files that it is supposed to send itself.
func TestFilesThatAnAppNamesReachClientsBehindEveryServer(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write("apps/files/modgw.hcl", `
		app "files" {
		  wsgi {
		    entry   = "app.py"
		    workers = 1
		  }
		  sendfile "/protected" { dir = "private" }
		  sendfile "/films" {
		    dir   = "films"
		    front = true
		  }
		}
	`)
	s.write("apps/files/app.py", namingApp)
	s.write("apps/files/private/report", "a report")
	s.write("apps/files/films/one", "a film")
	if os.Getuid() == 0 {
		for _, dir := range []string{"", "apps", "apps/files", "apps/files/films"} {
			if err := os.Chmod(s.path(dir), 0o755); err != nil { // for the users of the web servers
				t.Fatal(err)
			}
		}
	}
	s.start()
	generated := func(server string, port int) string {
		return s.mustRun(server, "config", "-c", "modgw.hcl", "--port", fmt.Sprint(port))
	}
	port := fronttest.FreePort(t)
	fronttest.StartApache(t, fmt.Sprintf("Listen 127.0.0.1:%d\n%s", port, generated("apache", port)))
	urls := map[string]string{"direct": s.url, "apache": fmt.Sprintf("http://127.0.0.1:%d", port)}
	port = fronttest.FreePort(t)
	text := regexp.MustCompile(`(?m)^.*listen \[::\].*\n`).ReplaceAllString(generated("nginx", port), "")
	text = strings.Replace(text, "listen ", "listen 127.0.0.1:", 1)
	text = strings.Replace(text, "server_name _;", "server_name _; location /films/ { internal; alias "+s.path("apps/files/films")+"/; }", 1)
	urls["nginx"] = fronttest.StartNginxSites(t, port, text).URL
	urls["lighttpd"] = fronttest.StartLighttpd(t, s.mustRun("lighttpd", "config", "-c", "modgw.hcl")).URL

	for front, url := range urls {
		for query, want := range map[string]string{
			"X-Sendfile=" + s.path("apps/files/private/report"): "200 a report",
			"X-Accel-Redirect=/protected/report":                "200 a report",
			"X-Accel-Redirect=/films/one":                       "200 a film",
			"X-Sendfile=/etc/passwd":                            "500 ",
			"X-Accel-Redirect=/elsewhere":                       "500 ",
		} {
			resp, err := http.Get(url + "/?" + query)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if got := fmt.Sprintf("%d %s", resp.StatusCode, body); err != nil || !strings.HasPrefix(got, want) || strings.Contains(got, "of the app") {
				t.Errorf("%s, %s: %.100q, want %q, %v", front, query, got, want, err)
			}
			if told := resp.Header.Get("X-Sendfile") + resp.Header.Get("X-Accel-Redirect"); told != "" {
				t.Errorf("%s, %s: the client is told %q", front, query, told)
			}
		}
	}
	http.DefaultClient.CloseIdleConnections()
}
