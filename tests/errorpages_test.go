package tests

import (
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/modgw/modgw/internal/fronttest"
)

// TestErrorsOfTheHostHaveThePagesOfTheApp sends requests to an app that fails in several ways,
// directly and through Apache.
func TestErrorsOfTheHostHaveThePagesOfTheApp(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write("apps/blog/errors/broken.html", "<p>our own page for {incident}</p>")
	s.write("apps/blog/errors/busy.html", "<p>come back later</p>")
	s.write("apps/blog/app.py", `
def application(environ, start_response):
    if environ["PATH_INFO"] == "/raise":
        raise ValueError("on purpose")
    start_response("502 Bad Gateway", [])
    return [b"the app's own"]
`)
	s.write("apps/blog/modgw.hcl", `
app "blog" {
  wsgi { entry = "./app.py" }
  error_pages = {
    "500" = "errors/broken.html"
    "502" = "errors/broken.html"
    "503" = "errors/busy.html"
  }
}
`)
	s.start()
	apache := fronttest.StartApache(t, s.apacheSite())
	ask := func(url, accept string) (int, string, string) {
		t.Helper()
		request, err := http.NewRequest("GET", url, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Accept", accept)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, string(body), response.Header.Get("X-Request-Id")
	}
	for _, url := range []string{s.url, apache.URL} {
		status, body, incident := ask(url+"/raise", "text/html")
		if status != 500 || body != "<p>our own page for "+incident+"</p>" || incident == "" {
			t.Errorf("%s: %d %q", url, status, body)
		}
		if status, body, _ := ask(url+"/", "text/html"); status != 502 || body != "the app's own" {
			t.Errorf("%s, what the app says itself: %d %q", url, status, body)
		}
		if status, body, _ := ask(url+"/raise", "application/json"); status != 500 || !strings.HasPrefix(body, "{") {
			t.Errorf("%s, for a program: %d %q", url, status, body)
		}
	}
	s.mustRun("stop", "blog", "-c", "modgw.hcl")
	if status, body, _ := ask(s.url+"/", "*/*"); status != 503 || body != "<p>come back later</p>" {
		t.Errorf("a stopped app: %d %q", status, body)
	}
	busy := s.path("apps/blog/errors/busy.html")
	if err := errors.Join(os.Remove(busy), os.Symlink("/etc/passwd", busy)); err != nil {
		t.Fatal(err)
	}
	if status, body, _ := ask(s.url+"/", "*/*"); status != 503 || strings.Contains(body, "root") {
		t.Errorf("a page that is a link to a file of others: %d %q", status, body)
	}
	s.wantLog("error page not served", "status=503", "the path leads out of the folder")
	s.write("apps/blog/modgw.hcl", strings.Replace(s.read("apps/blog/modgw.hcl"), "errors/busy", "errors/nothing", 1))
	if out, ok := s.run("check", "apps/blog/modgw.hcl"); ok || !strings.Contains(out, "there is none at") {
		t.Errorf("a page that is not there: %t\n%s", ok, out)
	}
}
