package http

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/modgw/modgw/internal/http1test"
	"github.com/modgw/modgw/internal/looptest"
	"github.com/modgw/modgw/internal/watchtest"
)

const (
	getHead  = http1test.GetHead
	postHead = http1test.PostHead
	chunks   = http1test.Chunks
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve runs a front on a free port until the test ends, and returns its address.
func serve(t testing.TB, config Config) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	serveOn(t, config, ln)
	return ln.Addr().String()
}

func serveOn(t testing.TB, config Config, ln net.Listener) {
	t.Helper()
	if config.Log == nil {
		config.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	}
	config.Loops, config.Handler = looptest.Loops(t, config.Handler), looptest.OnLoop(config.Handler)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- New(config).Serve(ctx, ln) }()
	t.Cleanup(func() {
		cancel()
		http.DefaultClient.CloseIdleConnections()
		if err := <-ended; err != nil {
			t.Errorf("Serve: %v", err)
		}
		looptest.Close(config.Loops)
	})
}

// raw sends bytes on a new connection and returns the answer up to its end, which the server
// causes.
func raw(t testing.TB, addr, request string) string {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(watchtest.Patience))
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatal(err)
	}
	answer, _ := io.ReadAll(c) // a reset after the answer is the server's right
	return string(answer)
}

// statuses returns the status codes of all responses to GET or POST in an answer.
func statuses(answer string) []int {
	var codes []int
	r := bufio.NewReader(strings.NewReader(answer))
	for {
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			return codes
		}
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		codes = append(codes, resp.StatusCode)
	}
}
