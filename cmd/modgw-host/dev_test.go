package main

import (
	"net"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/control"
	"github.com/modgw/modgw/modgw/host"
)

func TestCallsInLibrariesAreFolded(t *testing.T) {
	const traceback = `Traceback (most recent call last):
  File "/env/lib/python3.13/site-packages/flask/app.py", line 1, in __call__
    return self.wsgi_app(environ, start_response)
           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  File "/env/lib/python3.13/site-packages/flask/app.py", line 2, in wsgi_app
    response = self.full_dispatch_request()
  File "/srv/shop/app.py", line 3, in buy
    price()
  File "/usr/lib/python3.13/json/decoder.py", line 4, in decode
    obj, end = self.raw_decode(s)
ValueError: bad

During handling of the above exception, another exception occurred:
`
	const want = `Traceback (most recent call last):
  … 2 calls in libraries
  File "/srv/shop/app.py", line 3, in buy
    price()
  … 1 call in a library
ValueError: bad

During handling of the above exception, another exception occurred:
`
	if diff := cmp.Diff(want, foldTraceback(traceback)); diff != "" {
		t.Error(diff)
	}
}

func TestListenerIsFoundByItsPort(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	pid, command := listenerOf(uint16(l.Addr().(*net.TCPAddr).Port))
	if pid != os.Getpid() || command == "" {
		t.Errorf("process %d %q, want this one, %d", pid, command, os.Getpid())
	}
}

func TestGreetingSaysOnlyWhatAnAppHas(t *testing.T) {
	greeting := func(app control.AppStatus) string {
		term := &terminal{config: host.Config{State: "/state"}, url: "http://127.0.0.1:8000/", roots: map[modgw.AppName]string{}}
		app.App, app.Mount, app.Root = "shop", "/", "/srv/shop"
		var b strings.Builder
		term.introduce(&b, app)
		return b.String()
	}
	var folder, attached control.AppStatus
	folder.Generation = &modgw.GenerationStatus{}
	if got := greeting(folder); strings.Contains(got, "process") || strings.Contains(got, "Environment") || strings.Contains(got, "files") {
		t.Errorf("a folder:\n%s", got)
	}
	attached.Generation = &modgw.GenerationStatus{}
	attached.Runner.Workers = []modgw.WorkerStatus{{Number: 1, State: modgw.StateAwaited}}
	if got := greeting(attached); !strings.Contains(got, "none yet: modgw-host attach shop --state /state") || strings.Contains(got, "process") {
		t.Errorf("an app that waits for a worker:\n%s", got)
	}
}
