package python

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime/debug"
	"sync"
	"testing"
	"time"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/runner/relay"
	"github.com/modgw/modgw/modgw/runner/workers"
	"github.com/modgw/modgw/modgw/wire"
)

// FuzzWebSocket sends anything on an open WebSocket whose app echoes short messages: it ends, whatever came, the app is told
// once, and only of what is well-formed.
func FuzzWebSocket(f *testing.F) {
	for _, seed := range [][]byte{
		frame(fin|opText, []byte("hello")), frame(fin|opBinary, make([]byte, 70000)), frame(opText, []byte("x")), frame(fin|opPing, []byte("p")),
		frame(fin|opClose, []byte{3, 0xe8}), frame(fin|opText, []byte("\xff")), {fin | opText, 0xff, 0xff}, {0xc1, 0x81, 0, 0, 0, 0, 0},
		append(frame(opText, []byte("a")), frame(fin|opContinuation, []byte("b"))...), frame(fin|opClose, []byte{3, 0xe8, 0xff}),
	} {
		f.Add(seed)
	}
	log := slog.New(slog.DiscardHandler)
	f.Fuzz(func(t *testing.T, sent []byte) {
		stuck := time.AfterFunc(20*time.Second, func() { debug.SetTraceback("all"); panic("the WebSocket does not end") })
		defer stuck.Stop()
		ours, theirs := net.Pipe()
		lane, end, err := wire.Pair()
		if err != nil {
			t.Fatal(err)
		}
		app, err := net.FileConn(end)
		end.Close()
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		runner, err := New(modgw.RunnerConfig{
			Descriptor: modgw.Descriptor{Name: "fuzz", Kind: modgw.KindASGI, ASGI: &modgw.ASGI{Entry: "hello:application", Workers: 1, WebSockets: 100}}, Log: log,
		}, Files{})
		if err != nil {
			t.Fatal(err)
		}
		s := &sharedStream{
			outflow: outflow{id: 1, out: wire.NewWriter(lane), credit: make(chan struct{}, 1)},
			lane:    &sharedLane{runner: runner, worker: &worker{Worker: &workers.Worker{Log: log}}, conn: lane},
			ctx:     ctx, kind: webSocketStream, news: make(chan struct{}, 1), headed: true,
		}
		s.window.Store(wire.InitialWindow)
		c := &call{Request: relay.New(&taken{conn: ours}, httptest.NewRequest("GET", "/", nil), &runner.config), runner: runner}
		for name, value := range map[string]string{
			"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
			"Sec-WebSocket-Extensions": "permessage-deflate; client_no_context_takeover; server_no_context_takeover",
		} {
			c.R.Header.Set(name, value)
		}
		var around sync.WaitGroup
		around.Go(func() { echoes(t, s, app.(*net.UnixConn)) })
		around.Go(func() { _, _ = io.Copy(io.Discard, theirs) })
		around.Go(func() {
			_, _ = theirs.Write(sent) // it may be closed before it has taken everything
			theirs.Close()
		})
		if err := c.open(s, socketEvent{kind: socketAccept}, cancel); err != nil {
			t.Error(err)
		}
		s.finish()
		s.lane.mu.Lock()
		s.lane.endWatch()
		s.lane.mu.Unlock()
		runner.Stop(t.Context())
		lane.Close()
		ours.Close()
		around.Wait()
	})
}

// echoes is the app of a fuzzed WebSocket. It reads frames until the connection ends.
func echoes(t *testing.T, s *sharedStream, conn *net.UnixConn) {
	defer conn.Close()
	in := wire.NewReader(conn)
	told := false
	for {
		f, err := in.Next()
		if err != nil {
			return
		}
		switch {
		case f.Type != wire.Event && f.Type != wire.Body && f.Type != wire.Window:
			t.Errorf("the app gets a %s frame", f.Type)
		case f.Type == wire.Event && told:
			t.Error("the app gets an event after the end")
		case f.Type == wire.Event && f.End():
			told = true
			_, _ = s.take(wire.Frame{Type: wire.Event, Flags: wire.FlagEnd, Stream: 1, Payload: f.Payload}, nil)
		case f.Type == wire.Event:
			d := wire.NewDecoder(string(f.Payload))
			d.Skip()
			if err := d.Finish(); err != nil {
				t.Errorf("the app gets %q: %v", f.Payload, err)
			}
			_ = s.grow(wire.AppendWindow(nil, 1, len(f.Payload))[wire.HeaderSize:])
			if code := f.Payload[0]; code == 'u' || code == 's' {
				_, _ = s.take(wire.Frame{Type: wire.Event, Stream: 1, Payload: f.Payload}, nil)
			}
		case f.Type == wire.Body:
			_ = s.grow(wire.AppendWindow(nil, 1, len(f.Payload))[wire.HeaderSize:])
		}
	}
}

// taken is a front whose connection is taken over.
type taken struct {
	conn   net.Conn
	header http.Header
}

func (w *taken) Header() http.Header {
	if w.header == nil {
		w.header = http.Header{}
	}
	return w.header
}
func (w *taken) WriteHeader(int)             {}
func (w *taken) Write(p []byte) (int, error) { return len(p), nil }
func (w *taken) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return w.conn, bufio.NewReadWriter(bufio.NewReader(w.conn), bufio.NewWriter(w.conn)), nil
}
