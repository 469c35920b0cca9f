package process

import (
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/modgw/modgw/internal/watchtest"
	"github.com/modgw/modgw/modgw"
)

// crashingServer is a program whose /crash ends by a wild pointer.
const crashingServer = `
import ctypes, http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/crash":
            print("crash began", flush=True)
            ctypes.string_at(0)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"up")
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
`

func TestRequestThatCrashesAProgramIsNamedAndNotRepeated(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("there is no python3")
	}
	for name, change := range map[string]func(*modgw.Descriptor){
		"signal":    func(d *modgw.Descriptor) { d.HTTP.Command = []string{python, "-c", crashingServer} },
		"exit code": func(*modgw.Descriptor) {}, // of a Go program after a panic
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, "port", func(d *modgw.Descriptor) { d.HTTP.Workers = 2 }, change)
			for n := 1; n <= 4; n++ {
				if a := s.get("/crash"); a.status != 502 {
					t.Fatalf("got %d %q %v", a.status, a.body, a.err)
				}
				began := func() int { return strings.Count(s.log.String(), `line="crash began"`) }
				watchtest.Eventually(t, "what the program printed", func() bool { return began() >= n })
				if began() != n {
					t.Fatalf("%d crashes began after %d requests", began(), n)
				}
				var others sync.WaitGroup
				for range 4 {
					others.Go(func() {
						if a := s.get("/" + filepath.Base(t.Name())); a.status != 200 {
							t.Errorf("another request got %d %q %v", a.status, a.body, a.err)
						}
					})
				}
				others.Wait()
			}
			watchtest.Eventually(t, "name of the request", func() bool {
				status, err := s.gateway.AppStatus("shop")
				crash := status.Runner.Crash
				return err == nil && crash != nil && len(crash.Requests) == 1 && crash.Requests[0].Path == "/crash" &&
					crash.Requests[0].Method == "GET" && crash.Requests[0].Request != ""
			})
		})
	}
}
