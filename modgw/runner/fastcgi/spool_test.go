package fastcgi

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/modgw/modgw/internal/runnertest"
	"github.com/modgw/modgw/modgw"
)

// serveOne serves the test binary as a program that handles one request at a time.
func serveOne(t *testing.T) *app {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	d := descriptor(t, modgw.FastCGI{Command: []string{self}, Workers: 1, Concurrency: 1})
	d.Env = map[string]string{programEnv: "1", "GORACE": "atexit_sleep_ms=0"}
	return serve(t, d, nil)
}

func TestSlowUploadsHoldNoProgram(t *testing.T) {
	a := serveOne(t)
	body := strings.Repeat("x", 1_000_000)
	for name, text := range map[string]string{
		"length":  fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body),
		"chunked": fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(body), body),
	} {
		t.Run(name, func(t *testing.T) {
			var clients []*runnertest.Client
			for range 3 {
				c := a.Connect()
				c.Send("POST /up HTTP/1.1\r\nHost: x\r\n" + text[:500_000])
				clients = append(clients, c)
			}
			a.Want(a.Get("/quick"), 200, "go GET /quick 0")
			for _, c := range clients {
				go c.Send(text[500_000:])
			}
			for _, c := range clients {
				a.Want(c.Answer(), 200, "go POST /up 1000000")
			}
			a.AwaitEmptySpool()
		})
	}
}

func TestClientsThatDoNotReadHoldNoProgram(t *testing.T) {
	a := serveOne(t)
	var clients []*runnertest.Client
	for range 3 {
		c := a.Connect()
		c.Send("GET /big HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		clients = append(clients, c)
	}
	a.Want(a.Get("/quick"), 200, "go GET /quick 0")
	a.Eventually("idle program", func() bool { return a.Status().Busy == 0 })
	for _, c := range clients {
		if got := c.Answer(); got.Err != nil || len(got.Body) != 12<<20 {
			t.Errorf("got %d, %d bytes, %v", got.Status, len(got.Body), got.Err)
		}
	}
	a.AwaitEmptySpool()
}
