package scgi_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/modgw/modgw/internal/fronttest"
	"github.com/modgw/modgw/internal/watchtest"
	"github.com/modgw/modgw/modgw/front"
	"github.com/modgw/modgw/modgw/front/scgi"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// protocol is one of the protocols under test, with its client's format.
type protocol struct {
	name   string
	new    func(front.Config) *scgi.Server
	encode func(vars map[string]string) string
	ok     string // how the first line of a good response begins
}

var protocols = []protocol{
	{"uwsgi", scgi.NewUWSGI, encodeUWSGI, "HTTP/1.1 200 OK\r\n"},
	{"scgi", scgi.New, encodeSCGI, "Status: 200 OK\r\n"},
}

func encodeUWSGI(vars map[string]string) string {
	var content []byte
	for _, name := range slices.Sorted(maps.Keys(vars)) {
		for _, s := range []string{name, vars[name]} {
			content = append(binary.LittleEndian.AppendUint16(content, uint16(len(s))), s...)
		}
	}
	return string(binary.LittleEndian.AppendUint16([]byte{0}, uint16(len(content)))) + "\x00" + string(content)
}

func encodeSCGI(vars map[string]string) string {
	content := "CONTENT_LENGTH\x00" + vars["CONTENT_LENGTH"] + "\x00SCGI\x001\x00"
	for _, name := range slices.Sorted(maps.Keys(vars)) {
		if name != "CONTENT_LENGTH" {
			content += name + "\x00" + vars[name] + "\x00"
		}
	}
	return fmt.Sprintf("%d:%s,", len(content), content)
}

// eachProtocol runs a test for every protocol.
func eachProtocol(t *testing.T, test func(t *testing.T, p protocol)) {
	for _, p := range protocols {
		t.Run(p.name, func(t *testing.T) { test(t, p) })
	}
}

// serve runs a front on a Unix socket that everyone may use until the test ends, and returns its
// path.
func (p protocol) serve(t testing.TB, config front.Config) string {
	t.Helper()
	path := filepath.Join(fronttest.Dir(t), "front.sock")
	ln, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o666); err != nil {
		t.Fatal(err)
	}
	p.serveOn(t, config, ln)
	return path
}

// serveTCP is like serve, on a port of the loopback interface.
func (p protocol) serveTCP(t testing.TB, config front.Config) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p.serveOn(t, config, ln)
	return ln.Addr().String()
}

func (p protocol) serveOn(t testing.TB, config front.Config, ln net.Listener) {
	t.Helper()
	if config.Log == nil {
		config.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- p.new(config).Serve(ctx, ln) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
}

func handle(f http.HandlerFunc) front.Config {
	return front.Config{Handler: f}
}

// vars returns the variables of a plain GET with changes: "" removes a variable.
func vars(changes map[string]string) map[string]string {
	v := map[string]string{
		"REQUEST_METHOD": "GET", "PATH_INFO": "/x", "REQUEST_URI": "/x", "SERVER_PROTOCOL": "HTTP/1.1", "CONTENT_LENGTH": "0",
		"HTTP_HOST": "example.com", "REMOTE_ADDR": "192.0.2.1", "SERVER_NAME": "example.com", "SERVER_PORT": "80",
	}
	maps.Copy(v, changes)
	maps.DeleteFunc(v, func(name, value string) bool { return value == "" })
	return v
}

// post returns the changes that make a POST with a declared length.
func post(length string) map[string]string {
	return map[string]string{"REQUEST_METHOD": "POST", "CONTENT_LENGTH": length}
}

func dial(t testing.TB, socket string) net.Conn {
	t.Helper()
	network := "unix"
	if !strings.HasPrefix(socket, "/") {
		network = "tcp"
	}
	conn, err := net.Dial(network, socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(watchtest.Patience)); err != nil {
		t.Fatal(err)
	}
	return conn
}

// ask sends bytes and returns the answer up to the end of the connection.
func ask(t testing.TB, socket, text string) string {
	t.Helper()
	conn := dial(t, socket)
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(conn)
	if err, isNet := err.(net.Error); isNet && err.Timeout() {
		t.Fatal("the server neither answers nor closes the connection")
	}
	return string(answer)
}
