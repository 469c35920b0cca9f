package process

import (
	"fmt"
	"net"
	"os"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/modgw/modgw/internal/account"
	"github.com/modgw/modgw/internal/runnertest"
	"github.com/modgw/modgw/modgw"
)

func TestProgramRunsAsItsUser(t *testing.T) {
	const interpreter = "/usr/bin/python3"
	if os.Getuid() != 0 {
		t.Skip("only root can start a program as another user")
	}
	if _, err := os.Stat(interpreter); err != nil {
		t.Skip(err)
	}
	s := prepare(t, "", func(d *modgw.Descriptor) {
		d.User = "nobody"
		d.HTTP.Command = []string{interpreter, "-c", `
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"%d %d" % (os.getuid(), os.getgid()))
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
`}
	})
	runnertest.OpenFolders(t, s.d.Root)
	if err := s.deploy(); err != nil {
		t.Fatal(err)
	}
	if a := s.get("/"); a.body != "65534 65534" {
		t.Errorf("got %d %q", a.status, a.body)
	}
}

func TestListenerOfAnotherUserIsNotTheProgram(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port
	own := uint32(os.Getuid())
	if !ownListener(port, nil) {
		t.Error("the host's own listener is taken for another user's")
	}
	other := &account.Account{UID: own + 1}
	// root may listen for its apps
	if got, want := ownListener(port, other), own == 0; got != want {
		t.Errorf("another user's listener: %v, want %v", got, want)
	}
}

func TestReservedPortIsFreeForTheProgramAlone(t *testing.T) {
	p, err := reservePort()
	if err != nil {
		t.Fatal(err)
	}
	defer p.release()
	everywhere := address{"tcp", fmt.Sprintf(":%d", p.number), false}
	for _, a := range append(p.addresses(), everywhere) {
		if a.answers(t.Context()) {
			t.Errorf("a process listens on %s", a)
		}
		l, err := net.Listen(a.network, a.name) // with SO_REUSEADDR
		if err != nil {
			t.Errorf("the program cannot listen: %v", err)
			continue
		}
		if !a.answers(t.Context()) {
			t.Errorf("no process listens on %s", a)
		}
		l.Close()
	}
	// A process that requests any port of another address, as each connection to another machine
	// does, must not get it either: the program could not listen on all addresses.
	exclusive := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		return raw.Control(func(fd uintptr) {
			_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEADDR, 0) // cannot fail
		})
	}}
	l, err := exclusive.Listen(t.Context(), "tcp4", fmt.Sprintf("127.0.0.2:%d", p.number))
	if err == nil {
		l.Close()
		t.Error("the number is free on another address")
	}
}
