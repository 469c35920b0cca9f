package upgrade

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/modgw/modgw/internal/faulttest"
	"github.com/modgw/modgw/modgw"
)

// behaviour is the variable that tells this program, when it is started as a new host, how to
// behave.
const behaviour = "UPGRADE_TEST"

func TestMain(m *testing.M) {
	if os.Getenv(linkVariable) != "" {
		os.Exit(beHost(os.Getenv(behaviour)))
	}
	goleak.VerifyTestMain(m)
}

// beHost runs as a new host.
func beHost(what string) (code int) {
	if what == "exit" {
		return 3
	}
	p, err := Inherited("2.0")
	if err != nil {
		return 4
	}
	defer p.Leave()
	if what == "refuse" {
		p.Refuse(errors.New("there is no room"))
		return 5
	}
	ln, err := net.FileListener(p.Take(Front, "http", "127.0.0.1:0"))
	if err != nil || len(p.State().Apps) != 300 {
		return 6
	}
	ctx, cancel := p.WithCancel(context.Background())
	defer cancel()
	if what == "wait" {
		<-ctx.Done()
		return 7
	}
	stopped, _, err := p.Ready(ctx)
	if err != nil || len(stopped) != 1 || p.Serving([]int{7}) != nil {
		return 8
	}
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(conn, "accepted")
			conn.Close()
		}
	}()
	p.Follow(func(c Connection, conn net.Conn) {
		_, _ = io.WriteString(conn, "passed from "+string(c.Address))
		conn.Close()
		p.Replaced("blog")
		p.EndPredecessor()
	}, func() {})
	return 0
}

// program returns this program, opened for an upgrade.
func program(t *testing.T) *Program {
	t.Helper()
	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p, err := OpenProgram(own)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

func launchOf(what string) Launch {
	return Launch{Args: []string{"host"}, Env: append(os.Environ(), behaviour+"="+what)}
}

// listening opens a socket and returns it to be passed.
func listening(t *testing.T) (net.Listener, OpenSocket) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	file, err := ln.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return ln, OpenSocket{Socket{Role: Front, Kind: "http", Address: "127.0.0.1:0"}, file}
}

// manyApps returns more apps than fit into a message.
func manyApps() State { return State{Version: "1.0", Apps: make([]App, 300)} }

func TestNewHostGetsSocketsAndConnections(t *testing.T) {
	s, err := Start(t.Context(), program(t), launchOf("serve"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.End()
	ln, socket := listening(t)
	if err := s.Prepare(t.Context(), manyApps(), []OpenSocket{socket}, nil); err != nil {
		t.Fatal(err)
	}
	if owned, err := s.Commit(t.Context(), []modgw.AppName{"blog"}, nil); err != nil || len(owned) != 1 || owned[0] != 7 {
		t.Fatalf("%v, %v", owned, err)
	}
	address := ln.Addr().String()
	ln.Close()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if said, err := io.ReadAll(conn); err != nil || string(said) != "accepted" {
		t.Errorf("the new host says %q, %v", said, err)
	}
	client, server := tcpPair(t)
	if err := s.PassConnection(Connection{Kind: "http", Address: "the old host"}, server); err != nil {
		t.Fatal(err)
	}
	server.Close()
	if said, err := io.ReadAll(client); err != nil || string(said) != "passed from the old host" {
		t.Errorf("the new host says %q, %v", said, err)
	}
	var replaced []modgw.AppName
	s.Follow(func(app modgw.AppName) { replaced = append(replaced, app) })
	if len(replaced) != 1 || replaced[0] != "blog" {
		t.Errorf("replaced: %q", replaced)
	}
}

// tcpPair returns the ends of a connection. The server's end is to be passed.
func tcpPair(t *testing.T) (client net.Conn, server *os.File) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if client, err = net.Dial("tcp", ln.Addr().String()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	accepted, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer accepted.Close()
	if server, err = accepted.(*net.TCPConn).File(); err != nil {
		t.Fatal(err)
	}
	return client, server
}

func TestHostThatCannotTakeOverIsRefused(t *testing.T) {
	_, err := Start(t.Context(), program(t), launchOf("exit"))
	faulttest.Want(t, errorText(err), "MGW-HST-029")
	if !strings.Contains(errorText(err), "exit status 3") {
		t.Errorf("%v", err)
	}
	s, err := Start(t.Context(), program(t), launchOf("refuse"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.End()
	err = s.Prepare(t.Context(), manyApps(), nil, nil)
	faulttest.Want(t, errorText(err), "MGW-HST-030")
	if !strings.Contains(errorText(err), "there is no room") {
		t.Errorf("%v", err)
	}
}

func TestHostThatIsNotWantedAnyMoreEnds(t *testing.T) {
	s, err := Start(t.Context(), program(t), launchOf("wait"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, socket := listening(t)
	if err := s.Prepare(ctx, manyApps(), []OpenSocket{socket}, nil); err == nil {
		t.Error("a host is ready that was not waited for")
	}
	s.End()
	if code := s.cmd.ProcessState.ExitCode(); code == 0 || code == -1 {
		t.Errorf("it ended with %v", s.cmd.ProcessState)
	}
}

func TestFormatMustBeKnownToBothHosts(t *testing.T) {
	for _, test := range []struct {
		theirs hello
		want   int // 0: none
	}{
		{hello{1, 1, "same"}, 1},
		{hello{1, 9, "newer"}, newestFormat},
		{hello{newestFormat + 1, newestFormat + 2, "much newer"}, 0},
		{hello{0, 0, "much older"}, 0},
	} {
		ours, end, err := newLink()
		if err != nil {
			t.Fatal(err)
		}
		theirs, err := linkOf(end)
		if err != nil {
			t.Fatal(err)
		}
		if err := theirs.send(message{Kind: helloKind, Hello: &test.theirs}); err != nil {
			t.Fatal(err)
		}
		s := &Successor{link: ours}
		if err := s.meet(t.Context()); (err == nil) != (test.want > 0) || err == nil && s.format != test.want {
			t.Errorf("%s: format %d, %v", test.theirs.Version, s.format, err)
		}
		ours.close()
		theirs.close()
	}
}

func TestProgramMustBeNobodyElses(t *testing.T) {
	dir := t.TempDir()
	own, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	write := func(name string, text []byte, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, text, mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	elf := own[:min(len(own), 1<<20)]
	for path, why := range map[string]string{
		"modgw-host":                  "not absolute",
		filepath.Join(dir, "nothing"): "no such file",
		dir:                           "no regular file",
		write("script", []byte("#!/bin/sh"), 0o755): "no program",
		write("open", elf, 0o777):                   "", // in other words for root
		write("data", elf, 0o644):                   "not executable",
	} {
		p, err := OpenProgram(path)
		if err == nil {
			p.Close()
			t.Errorf("%s may become the host", path)
			continue
		}
		faulttest.Want(t, err.Error(), "MGW-HST-028")
		if !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
