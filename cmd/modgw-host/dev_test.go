package main

import (
	"net"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
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
