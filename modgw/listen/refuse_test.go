package listen

import (
	"context"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/modgw/modgw/modgw"
)

func TestWhoeverConnectsWhileAListenerEndsIsServed(t *testing.T) {
	for name, listener := range map[string]func() modgw.Listener{
		"tcp":  func() modgw.Listener { return modgw.Listener{Address: "127.0.0.1:0"} },
		"unix": func() modgw.Listener { return socketIn(t) },
	} {
		t.Run(name, func(t *testing.T) {
			for range 5 {
				endUnderLoad(t, open(t, listener()))
			}
		})
	}
}

// endUnderLoad ends a listener while clients connect to it one after the other, and fails the test
// when one that has connected gets no answer.
func endUnderLoad(t *testing.T, ln net.Listener) {
	ctx, cancel := context.WithCancel(t.Context())
	var answered atomic.Int64
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for ctx.Err() == nil {
				// Until the listener is closed, a client is not heard. It would ask again after a
				// second.
				conn, err := net.DialTimeout(ln.Addr().Network(), ln.Addr().String(), 100*time.Millisecond)
				if err != nil {
					continue
				}
				if _, err := conn.Read(make([]byte, 1)); err != nil {
					t.Errorf("connected, and then: %v", err)
				} else if answered.Add(1) == 20 {
					cancel()
				}
				conn.Close()
			}
		})
	}
	err := Accept(ctx, ln, Peers{}, slog.New(slog.DiscardHandler), func(conn net.Conn) {
		conn.Write([]byte("x"))
		conn.Close()
	})
	if err != nil {
		t.Error(err)
	}
	cancel()
	group.Wait()
}
