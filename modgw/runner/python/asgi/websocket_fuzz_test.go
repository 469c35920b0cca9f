package asgi

import (
	"bufio"
	"context"
	"encoding/binary"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime/debug"
	"sync"
	"testing"
	"time"

	"github.com/modgw/modgw/internal/eventloop"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/runner/python/attach"
	"github.com/modgw/modgw/modgw/runner/python/control"
	"github.com/modgw/modgw/modgw/runner/python/mux"
	"github.com/modgw/modgw/modgw/runner/python/request"
	"github.com/modgw/modgw/modgw/runner/workers"
	"github.com/modgw/modgw/modgw/wire"
)

// The operations of frames (RFC 6455, 11.8), and the bit of the last frame of a message.
const (
	opContinuation = 0
	opText         = 1
	opBinary       = 2
	opClose        = 8
	opPing         = 9

	fin = 0x80
)

// frame returns a client's frame with a mask that changes nothing. first includes the flags.
func frame(first byte, payload []byte) []byte {
	b := []byte{first}
	switch n := len(payload); {
	case n < 126:
		b = append(b, 0x80|byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 0x80|127), uint64(n))
	}
	return append(append(b, 0, 0, 0, 0), payload...)
}

// FuzzWebSocket sends arbitrary bytes on an open WebSocket whose app echoes short messages. For any
// input, the WebSocket ends, and the app is informed once, and receives only well-formed messages.
func FuzzWebSocket(f *testing.F) {
	for _, seed := range [][]byte{
		frame(fin|opText, []byte("hello")), frame(fin|opBinary, make([]byte, 70000)),
		frame(opText, []byte("x")), frame(fin|opPing, []byte("p")),
		frame(fin|opClose, []byte{3, 0xe8}), frame(fin|opText, []byte("\xff")),
		{fin | opText, 0xff, 0xff}, {0xc1, 0x81, 0, 0, 0, 0, 0},
		append(frame(opText, []byte("a")), frame(fin|opContinuation, []byte("b"))...),
		frame(fin|opClose, []byte{3, 0xe8, 0xff}),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, sent []byte) {
		stuck := time.AfterFunc(20*time.Second, func() {
			debug.SetTraceback("all")
			panic("the WebSocket does not end")
		})
		defer stuck.Stop()
		server, app, stop := serveOneWorker(t)
		ours, theirs := net.Pipe()
		r := httptest.NewRequest("GET", "/", nil)
		for name, value := range map[string]string{
			"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
			"Sec-WebSocket-Key":        "dGhlIHNhbXBsZSBub25jZQ==",
			"Sec-WebSocket-Extensions": "permessage-deflate; client_no_context_takeover; server_no_context_takeover",
		} {
			r.Header.Set(name, value)
		}
		info := modgw.RequestInfoOf(r)
		info.Front = "http"
		r = r.WithContext(modgw.WithRequestInfo(r.Context(), info))
		var around sync.WaitGroup
		around.Go(func() { echo(t, app) })
		around.Go(func() { _, _ = io.Copy(io.Discard, theirs) })
		around.Go(func() {
			_, _ = theirs.Write(sent) // it may be closed before it has taken everything
			theirs.Close()
		})
		opened := &hijacked{conn: ours}
		server.ServeHTTP(opened, r)
		if opened.status != http.StatusSwitchingProtocols {
			t.Errorf("the WebSocket was not opened: %d", opened.status)
		}
		stop()
		ours.Close()
		around.Wait()
	})
}

// serveOneWorker starts a server with a worker whose end of the connection is app.
func serveOneWorker(t *testing.T) (s *Server, app *net.UnixConn, stop func()) {
	config := modgw.RunnerConfig{
		Descriptor: modgw.Descriptor{
			Name: "fuzz", Kind: modgw.KindASGI, Queue: modgw.Queue{Max: 1},
		},
		Log: slog.New(slog.DiscardHandler),
	}
	loop, err := eventloop.New()
	if err != nil {
		t.Fatal(err)
	}
	a := &request.App{RunnerConfig: config, Pool: workers.New(workers.Config{Runner: config}), ConnLoop: loop}
	s = New(a, mux.Config{Requests: 1, WebSockets: 100})
	s.Expect(1)
	conn, unread, err := wire.Pair()
	if err != nil {
		t.Fatal(err)
	}
	p := &program{process: attach.NewProcess(0, conn), Worker: control.New(nil, control.Config{Pool: a.Pool})}
	p.Connect(conn)
	connections, files, err := s.Connect(p.Worker)
	if err != nil {
		t.Fatal(err)
	}
	p.Connections = connections
	p.process.OnKill(connections.Cut)
	theirs, err := net.FileConn(files[0])
	files[0].Close()
	if err != nil {
		t.Fatal(err)
	}
	a.Pool.Background(func() {
		a.Pool.RunAttached(1, func(w *workers.Worker) workers.Driver {
			p.Worker.Worker = w
			return p
		})
	})
	return s, theirs.(*net.UnixConn), func() {
		s.Close()
		a.Pool.Stop(context.Background())
		unread.Close()
		conn.Close()
		p.reading.Wait()
		loop.Close()
	}
}

// program is a worker without a process.
type program struct {
	*control.Worker
	process *attach.Process
	reading sync.WaitGroup
}

func (p *program) Launch() (workers.Process, error) { return p.process, nil }

func (p *program) Ready(context.Context) ([]any, error) {
	p.reading.Go(p.Connections.Read)
	return nil, nil
}

func (p *program) Retire() <-chan struct{} { return p.Connections.Drained() }

func (p *program) Stop() { p.process.Kill() }

func (p *program) End() {
	p.Lose()
	p.Connections.CleanUp()
}

// echo runs the app. It reads frames until the connection ends.
func echo(t *testing.T, conn *net.UnixConn) {
	defer conn.Close()
	in, out := wire.NewReader(conn), wire.NewBoundedWriter(conn, time.Minute)
	answer := func(f wire.Frame) {
		f.Type = wire.Event
		_ = out.Write(func(b []byte) []byte { return wire.AppendFrame(b, f) })
	}
	told := false
	for {
		f, err := in.Next()
		if err != nil {
			return
		}
		id := f.Stream
		switch {
		case f.Type == wire.Request:
			accept := wire.AppendLatin1(wire.AppendList(nil, 2), "")
			answer(wire.Frame{Stream: id, Payload: wire.AppendList(accept, 0)})
		case f.Type != wire.Event && f.Type != wire.Body && f.Type != wire.Window:
			t.Errorf("the app gets a %s frame", f.Type)
		case f.Type == wire.Event && told:
			t.Error("the app gets an event after the end")
		case f.Type == wire.Event && f.End():
			told = true
			answer(wire.Frame{Flags: wire.FlagEnd, Stream: id, Payload: f.Payload})
		case f.Type == wire.Event:
			d := wire.NewDecoder(string(f.Payload))
			d.Skip()
			if err := d.Finish(); err != nil {
				t.Errorf("the app gets %q: %v", f.Payload, err)
			}
			allow(out, id, len(f.Payload))
			if code := f.Payload[0]; code == 'u' || code == 's' {
				answer(wire.Frame{Stream: id, Payload: f.Payload})
			}
		case f.Type == wire.Body:
			allow(out, id, len(f.Payload))
		}
	}
}

// allow permits the host to send n more bytes.
func allow(out *wire.Writer, id uint32, n int) {
	_ = out.Write(func(b []byte) []byte { return wire.AppendWindow(b, id, n) })
}

// hijacked is a front whose connection is taken over.
type hijacked struct {
	conn   net.Conn
	header http.Header
	status int // the status of the response
}

func (w *hijacked) Header() http.Header {
	if w.header == nil {
		w.header = http.Header{}
	}
	return w.header
}
func (w *hijacked) WriteHeader(status int)      { w.status = status }
func (w *hijacked) Write(p []byte) (int, error) { return len(p), nil }
func (w *hijacked) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return w.conn, bufio.NewReadWriter(bufio.NewReader(w.conn), bufio.NewWriter(w.conn)), nil
}
