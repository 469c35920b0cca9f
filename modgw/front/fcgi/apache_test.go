package fcgi

import (
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/modgw/modgw/internal/fronttest"
	"github.com/modgw/modgw/modgw"
)

// behindApache starts the front and an Apache that passes everything to it.
func behindApache(t testing.TB, config Config, parameters, conf string) *fronttest.Server {
	t.Helper()
	socket := serve(t, config)
	return fronttest.StartApache(t, conf+fmt.Sprintf("\nProxyPass / \"unix:%s|fcgi://app/\" %s\n", socket, parameters))
}

func get(t testing.TB, url string) (*http.Response, string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Errorf("GET %s: %v", url, err)
	}
	return resp, string(body)
}

func TestRequestWalksThroughApache(t *testing.T) {
	for _, parameters := range []string{"", "enablereuse=on flushpackets=on"} {
		apache := behindApache(t, handle(func(w http.ResponseWriter, r *http.Request) {
			info := modgw.RequestInfoOf(r)
			w.Header().Set("Content-Type", "text/plain")
			fmt.Fprintf(w, "%s %s %s %s %s", r.Method, info.Path, r.URL.RawQuery, info.RawTarget, r.Host)
		}), parameters, "")
		for range 3 {
			resp, body := get(t, apache.URL+"/blog/b%20c?x=1")
			if resp.StatusCode != 200 || body != "GET /blog/b c x=1 /blog/b%20c?x=1 "+apache.Addr {
				t.Errorf("with %q: %s %q", parameters, resp.Status, body)
			}
		}
	}
}
