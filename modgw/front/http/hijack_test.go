package http

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/modgw/modgw/internal/looptest"
	"github.com/modgw/modgw/internal/watchtest"
)

// TestEndingDoesNotWaitForAConnectionThatItsHandlerHasPassedOn has handlers take their connections
// over and return, as those of WebSockets do that leave the connection to a goroutine. Each
// connection counts towards the limit of the front until it ends.
func TestEndingDoesNotWaitForAConnectionThatItsHandlerHasPassedOn(t *testing.T) {
	for name, loop := range map[string]bool{"goroutine": false, "loop": true} {
		t.Run(name, func(t *testing.T) {
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			var closed atomic.Bool
			taken := make(chan net.Conn)
			config := Config{MaxConnections: 1, Log: slog.New(slog.DiscardHandler)}
			config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/second" && !closed.Load() {
					t.Error("there are two connections, which is more than the limit")
				}
				c, _, err := http.NewResponseController(w).Hijack()
				if err != nil {
					t.Error(err)
				}
				taken <- c
			})
			if loop {
				config.Loops, config.Handler = looptest.Loops(t, config.Handler), looptest.OnLoop(config.Handler)
				defer looptest.Close(config.Loops)
			}
			server := New(config)
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- server.Serve(ctx, ln) }()

			take := func(path string) net.Conn {
				io.WriteString(dial(t, ln.Addr().String()), "GET "+path+" HTTP/1.1\r\nHost: a\r\n\r\n")
				return <-taken
			}
			first := take("/first")
			watchtest.Eventually(t, "the handler has returned", func() bool {
				open := 0
				server.conns.Each(func(connection) { open++ })
				return open == 0
			})
			time.AfterFunc(20*time.Millisecond, func() {
				closed.Store(true)
				first.Close()
			})
			second := take("/second")
			defer second.Close()
			cancel()
			select {
			case err := <-ended:
				if err != nil {
					t.Error(err)
				}
			case <-time.After(watchtest.Patience):
				t.Fatal("Serve waits for a connection that is not the server's")
			}
		})
	}
}
