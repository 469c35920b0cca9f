package host

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/modgw/modgw/modgw"
)

// TestRequestsThatCameBeforeTheAppsAreAnswered covers requests that wait at a socket before the
// host has read its files.
func TestRequestsThatCameBeforeTheAppsAreAnswered(t *testing.T) {
	dir := t.TempDir()
	var descriptors strings.Builder
	for i := range 20 {
		fmt.Fprintf(&descriptors, "app \"app%d\" {\n  mount = \"/%d\"\n  static { dir = \".\" }\n  reload { mode = \"off\" }\n}\n", i, i)
	}
	if err := os.WriteFile(filepath.Join(dir, "apps.hcl"), []byte(descriptors.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h, err := New(Config{
		Targets: []string{filepath.Join(dir, "apps.hcl")},
		Sockets: []Socket{{Kind: "http", Listener: ln}},
		State:   filepath.Join(dir, "state"),
		Control: modgw.Address("unix:" + filepath.Join(dir, "c")),
	})
	if err != nil {
		t.Fatal(err)
	}
	conns := make([]net.Conn, 20)
	for i := range conns {
		if conns[i], err = net.Dial("tcp", ln.Addr().String()); err != nil {
			t.Fatal(err)
		}
		defer conns[i].Close()
		fmt.Fprintf(conns[i], "GET /%d/apps.hcl HTTP/1.1\r\nHost: x\r\n\r\n", i)
	}
	ended := make(chan error, 1)
	go func() { ended <- h.Run(t.Context()) }()
	for i, conn := range conns {
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != http.StatusOK {
			t.Errorf("app %d answers %s", i, response.Status)
		}
		conn.Close()
	}
	h.Shutdown()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
