package listen

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// connected returns the ends of a TCP connection over the loopback interface: the end that dialled,
// and the end that was accepted.
func connected(t *testing.T, network, address string) (client, server *net.TCPConn) {
	t.Helper()
	ln, err := net.Listen(network, address)
	if err != nil {
		t.Skip(err) // there is no IPv6
	}
	defer ln.Close()
	conn, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	accepted, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { accepted.Close() })
	return conn.(*net.TCPConn), accepted.(*net.TCPConn)
}

func TestUserAtTheOtherEndOfATCPConnectionIsKnown(t *testing.T) {
	for _, c := range []struct{ network, address string }{{"tcp4", "127.0.0.1:0"}, {"tcp6", "[::1]:0"}, {"tcp", ":0"}} {
		client, server := connected(t, c.network, c.address)
		at := func(a net.Addr) netip.AddrPort { return a.(*net.TCPAddr).AddrPort() }
		local, remote := at(server.RemoteAddr()), at(server.LocalAddr())
		for name, look := range map[string]func(a, b netip.AddrPort) (uint32, bool, error){"sock_diag": askSockDiag, "tables": searchTables} {
			uid, found, err := look(local, remote)
			if name == "sock_diag" && err != nil {
				t.Logf("sock_diag cannot be asked here: %v", err)
				continue
			}
			if err != nil || !found || uid != uint32(os.Getuid()) {
				t.Errorf("%s, %s: user %d, found %v, %v", c.address, name, uid, found, err)
			}
			other := netip.AddrPortFrom(local.Addr(), 1)
			if _, found, err := look(other, remote); found || err != nil {
				t.Errorf("%s, %s: a socket that is not there: found %v, %v", c.address, name, found, err)
			}
		}
		client.Close() // the owner of its socket is unknown now, and no peer is mistaken for root
		for name, look := range map[string]func(a, b netip.AddrPort) (uint32, bool, error){"sock_diag": askSockDiag, "tables": searchTables} {
			if uid, found, err := look(local, remote); found {
				t.Errorf("%s, %s: a closed socket is user %d's, %v", c.address, name, uid, err)
			}
		}
	}
}

// TestDialler is the other process of TestProcessOfAnotherUserIsNotLetIn.
func TestDialler(t *testing.T) {
	address := os.Getenv("TEST_DIAL")
	if address == "" {
		t.Skip("it is for another test")
	}
	network := "tcp"
	if filepath.IsAbs(address) {
		network = "unix"
	}
	conn, err := net.Dial(network, address)
	if err != nil {
		t.Fatal(err)
	}
	text, _ := io.ReadAll(conn)
	if string(text) != "in" {
		t.Fatal("not let in")
	}
}

func TestProcessOfAnotherUserIsNotLetIn(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can start a process of another user")
	}
	dir, err := os.MkdirTemp("", "peers")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	self, err := os.ReadFile(os.Args[0])
	if err == nil {
		err = os.WriteFile(dir+"/dialler", self, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	named, err := Named([]string{"daemon", "@bin"})
	if err != nil {
		t.Fatal(err)
	}
	everywhere := named
	everywhere.Networks = Anyone().Networks
	for _, c := range []struct {
		peers   Peers
		address string
		uid     uint32
		in      bool
	}{
		{WebServers(), "127.0.0.1:0", 0, true},
		{WebServers(), "127.0.0.1:0", 65534, false},
		{WebServers(), "127.0.0.1:0", 33, true},
		{named, "127.0.0.1:0", 1, true},
		{named, "127.0.0.1:0", 2, true},
		{named, "127.0.0.1:0", 33, false},
		{everywhere, "127.0.0.1:0", 65534, false},
		{Peers{}, "127.0.0.1:0", 65534, true},
		{named, dir + "/socket", 1, true},
		{named, dir + "/socket", 65534, false},
	} {
		if c.uid == 33 {
			if _, _, err := ownerIDs("www-data", ""); err != nil {
				continue
			}
		}
		var ln net.Listener
		if filepath.IsAbs(c.address) {
			ln, err = net.Listen("unix", c.address)
			if err == nil {
				err = os.Chmod(c.address, 0o666)
			}
		} else {
			ln, err = net.Listen("tcp", c.address)
		}
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		var log strings.Builder
		go func() {
			ended <- Accept(ctx, ln, c.peers, slog.New(slog.NewTextHandler(&log, nil)), func(conn net.Conn) {
				io.WriteString(conn, "in")
				conn.Close()
			})
		}()
		cmd := exec.Command(dir+"/dialler", "-test.run", "^TestDialler$")
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "TEST_DIAL="+ln.Addr().String(), "TMPDIR=/tmp")
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: c.uid, Gid: c.uid}}
		out, err := cmd.CombinedOutput()
		if (err == nil) != c.in {
			t.Errorf("%+v, user %d at %s: %v\n%s", c.peers, c.uid, c.address, err, out)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if refused := strings.Count(log.String(), "connection refused"); (refused == 0) != c.in {
			t.Errorf("user %d at %s: the log says\n%s", c.uid, c.address, &log)
		}
	}
}
