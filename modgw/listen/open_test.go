package listen

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/modgw/modgw/modgw"
)

func socketIn(t *testing.T) modgw.Listener {
	t.Helper()
	return modgw.Listener{Kind: "fastcgi", Address: modgw.Address("unix:" + filepath.Join(t.TempDir(), "modgw.sock"))}
}

func open(t *testing.T, l modgw.Listener) net.Listener {
	t.Helper()
	ln, err := Open(l)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	return ln
}

func wantFault(t *testing.T, l modgw.Listener, code, part string) {
	t.Helper()
	ln, err := Open(l)
	if err == nil {
		ln.Close()
	}
	f, ok := errors.AsType[*modgw.Fault](err)
	if !ok || f.Code != code || !strings.Contains(f.Error(), part) {
		t.Errorf("Open(%q) = %v, want %s with %q", l.Address, err, code, part)
	}
}

func TestUnixSocketHasItsModeAndItsName(t *testing.T) {
	l := socketIn(t)
	l.Mode = 0o640
	ln := open(t, l)
	info, err := os.Lstat(l.Address.Target())
	if err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, %v; want 0640", info.Mode(), err)
	}
	if ln.Addr().String() != l.Address.Target() {
		t.Errorf("Addr() = %q", ln.Addr())
	}
	if left, _ := filepath.Glob(filepath.Dir(l.Address.Target()) + "/*"); len(left) != 1 {
		t.Errorf("files beside the socket: %q", left)
	}
	conn, err := net.Dial("unix", l.Address.Target())
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
}

func TestUnixSocketBelongsToItsGroup(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can give a file away")
	}
	l := socketIn(t)
	l.Owner, l.Group = "root", "nogroup"
	open(t, l)
	if _, gid, err := ownerIDs("", "nogroup"); err != nil || gid <= 0 {
		t.Errorf("nogroup: %d, %v", gid, err)
	}
	l = socketIn(t)
	l.Group = "no-such-group"
	wantFault(t, l, "MGW-HST-005", `cannot find group "no-such-group"`)
	if _, err := os.Lstat(l.Address.Target() + ".new"); !errors.Is(err, fs.ErrNotExist) {
		t.Error("the temporary socket was left behind")
	}
}

// F46: stale socket, missing folder, other process listening.
func TestF46SocketsOfOthersAreLeftAlone(t *testing.T) {
	l := socketIn(t)
	open(t, l)
	wantFault(t, l, "MGW-HST-001", "the address is in use")

	stale := socketIn(t)
	ln, err := net.Listen("unix", stale.Address.Target())
	if err != nil {
		t.Fatal(err)
	}
	ln.(*net.UnixListener).SetUnlinkOnClose(false)
	ln.Close()
	open(t, stale)

	file := socketIn(t)
	if err := os.WriteFile(file.Address.Target(), []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	wantFault(t, file, "MGW-HST-004", "not a socket")
	if data, _ := os.ReadFile(file.Address.Target()); string(data) != "precious" {
		t.Error("the file was touched")
	}

	wantFault(t, modgw.Listener{Address: "unix:/no/such/folder/modgw.sock"}, "MGW-HST-003", "mkdir -p /no/such/folder")

	tcp := open(t, modgw.Listener{Address: "127.0.0.1:0"})
	wantFault(t, modgw.Listener{Address: modgw.Address(tcp.Addr().String())}, "MGW-HST-001", tcp.Addr().String())
}

func TestClosingRemovesOnlyItsOwnName(t *testing.T) {
	l := socketIn(t)
	old := open(t, l)
	taken, err := Replace(l)
	if err != nil {
		t.Fatal(err)
	}
	old.Close()
	if _, err := os.Lstat(l.Address.Target()); err != nil {
		t.Errorf("the old listener removed the new one's name: %v", err)
	}
	taken.Close()
	if _, err := os.Lstat(l.Address.Target()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the name was left behind: %v", err)
	}
}

// A25: a client that connects during a takeover gets one of the two listeners.
func TestTakeOverLeavesNoGap(t *testing.T) {
	l := socketIn(t)
	open(t, l)
	done := make(chan error, 1)
	stop := make(chan struct{})
	go func() {
		for {
			select {
			case <-stop:
				done <- nil
				return
			default:
			}
			conn, err := net.Dial("unix", l.Address.Target())
			// a full backlog is no gap
			if err != nil && !strings.Contains(err.Error(), "temporarily unavailable") {
				done <- err
				return
			}
			if err == nil {
				conn.Close()
			}
		}
	}()
	for range 20 {
		ln, err := Replace(l)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { ln.Close() })
	}
	close(stop)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestPeersAreChecked(t *testing.T) {
	someNet := []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	for _, c := range []struct {
		peers   Peers
		network string
		in      bool
	}{
		{Peers{}, "tcp", true},
		{Peers{Networks: someNet}, "tcp", false},
		{Anyone(), "tcp", true},
		{Peers{}, "unix", true},
		{Peers{UIDs: []uint32{uint32(os.Getuid())}}, "unix", true},
		{Peers{UIDs: []uint32{uint32(os.Getuid()) + 1}}, "unix", false},
	} {
		l := modgw.Listener{Address: "127.0.0.1:0"}
		if c.network == "unix" {
			l = socketIn(t)
		}
		ln := open(t, l)
		ctx, cancel := context.WithCancel(t.Context())
		served := make(chan struct{}, 1)
		ended := make(chan error, 1)
		go func() {
			ended <- Accept(ctx, ln, c.peers, slog.New(slog.DiscardHandler), func(conn net.Conn) {
				conn.Write([]byte("in"))
				conn.Close()
				served <- struct{}{}
			})
		}()
		conn, err := net.Dial(c.network, ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		n, _ := conn.Read(make([]byte, 2))
		if in := n == 2; in != c.in {
			t.Errorf("%+v over %s: let in: %v, want %v", c.peers, c.network, in, c.in)
		}
		conn.Close()
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

func TestLoopbackIsAllThatConnectsByDefault(t *testing.T) {
	for addr, in := range map[string]bool{"127.0.0.1": true, "::1": true, "192.0.2.1": false, "::ffff:127.0.0.1": true} {
		if err := (Peers{}).checkAddress(netip.MustParseAddr(addr).Unmap()); (err == nil) != in {
			t.Errorf("%s: %v", addr, err)
		}
	}
}

func TestBacklogIsServedBeforeTheEnd(t *testing.T) {
	ln := open(t, socketIn(t))
	var waiting []net.Conn
	for range 5 {
		conn, err := net.Dial("unix", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		waiting = append(waiting, conn)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	served := 0
	if err := Accept(ctx, ln, Peers{}, slog.New(slog.DiscardHandler), func(conn net.Conn) { served++; conn.Close() }); err != nil {
		t.Fatal(err)
	}
	if served != len(waiting) {
		t.Errorf("%d of %d connections were served", served, len(waiting))
	}
}

func TestClientsThatConnectAgainAndAgainDoNotKeepAListenerOpen(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	ended := make(chan error)
	go func() {
		ended <- Accept(ctx, ln, Peers{}, slog.New(slog.DiscardHandler), func(conn net.Conn) { conn.Close() })
	}()
	for conn, err := net.Dial("tcp", ln.Addr().String()); err == nil; conn, err = net.Dial("tcp", ln.Addr().String()) {
		conn.Close() // until the listener is gone
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
