package apache

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/modgw/modgw/modgw"
)

// ProbeWebSocket starts the installed Apache for a moment, with the kind of configuration that
// [Config] writes for the listeners, and sees whether a WebSocket passes it. program is the path of
// httpd; "": the first that is found.
func ProbeWebSocket(ctx context.Context, program string, listeners []modgw.Listener) Finding {
	up, err := upstreamOf(listeners, nil)
	if err == nil && up.web == "" {
		return Finding{Problem, "WebSockets end in Apache: the host has no HTTP listener for them",
			`add listen "http" { address = "unix:/run/modgw/http.sock" } to the host's file`}
	}
	if err == nil {
		err = probe(ctx, program, up.fcgi != "")
	}
	if err != nil {
		return Finding{Problem, "a WebSocket does not pass Apache: " + err.Error(), "see what else is wrong here; Apache 2.4.63 or later passes them"}
	}
	return Finding{Good, "a WebSocket passes Apache", ""}
}

// probe runs its own Apache in front of its own listener. beside is true if requests without an
// upgrade would go over FastCGI.
func probe(ctx context.Context, program string, beside bool) error {
	dir, err := os.MkdirTemp("", "modgw-probe")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil { // Apache's user must reach the socket
		return err
	}
	socket := filepath.Join(dir, "http.sock")
	stop, err := switchProtocols(socket)
	if err != nil {
		return err
	}
	defer stop()
	port, err := freePort()
	if err != nil {
		return err
	}
	listeners := []modgw.Listener{{Kind: "http", Address: modgw.Address("unix:" + socket)}}
	if beside {
		listeners = append(listeners, modgw.Listener{Kind: "fastcgi", Address: modgw.Address("unix:" + filepath.Join(dir, "unused.sock"))})
	}
	server := New(RunConfig{
		Options: Options{Port: port}, Program: program, Dir: filepath.Join(dir, "apache"), Listeners: listeners,
		Apps: []modgw.Descriptor{{Name: "probe", Mount: "/", Kind: modgw.KindASGI, Timeouts: modgw.Timeouts{Request: time.Minute}}},
	})
	return server.during(ctx, func() error { return askUpgrade(ctx, server.address) })
}

// during runs Apache while do does something with it.
func (s *Server) during(ctx context.Context, do func() error) error {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	var err error
	select {
	case <-s.Ready():
		err = do()
	case <-ctx.Done():
		err = ctx.Err()
	case err = <-ended:
		cancel()
		return err
	}
	cancel()
	return errors.Join(err, <-ended)
}

// switchProtocols listens on a Unix socket and grants every upgrade, and nothing more.
func switchProtocols(socket string) (stop func(), err error) {
	ln, err := net.Listen("unix", socket)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(socket, 0o666); err != nil {
		return nil, errors.Join(err, ln.Close())
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, stream, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		fmt.Fprint(stream, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
		_ = stream.Flush() // the client sees an error
	})}
	done := make(chan error, 1)
	go func() { done <- server.Serve(ln) }()
	return func() { server.Close(); <-done }, nil
}

// askUpgrade asks for a WebSocket.
func askUpgrade(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	defer conn.Close()
	fmt.Fprint(conn, "GET /socket HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"+
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusSwitchingProtocols {
		return fmt.Errorf("the answer is %s", response.Status)
	}
	return nil
}

// freePort returns a port of the loopback interface that is not in use.
func freePort() (int, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer ln.Close()
	return ln.Addr().(*net.TCPAddr).Port, nil
}
