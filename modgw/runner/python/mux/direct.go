package mux

import (
	"bytes"
	"net/http"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/listen"
	"github.com/modgw/modgw/modgw/runner/python/request"
	"github.com/modgw/modgw/modgw/runner/python/response"
	"github.com/modgw/modgw/modgw/runner/relay"
	"github.com/modgw/modgw/modgw/runner/workers"
	"github.com/modgw/modgw/modgw/wire"
)

// direct is a request that is served on the loop: a frame to the worker, a frame back, and the
// response. In all other cases it continues as a [request.Call] on a goroutine. It belongs to the
// loop.
type direct struct {
	server   *Server
	exchange modgw.LoopExchange
	stream   *Stream
	scope    Scope
	body     []byte // body of the request, after it has left the loop
	isHead   bool   // the request's method is HEAD
	tellEnd  bool   // the app is informed when the client has closed its sending side
}

// Scope makes the head of a Request frame.
type Scope func(b []byte, r *http.Request, info *modgw.RequestInfo, length int64) []byte

// ServeOnLoop serves a request like [modgw.LoopHandler]. With tellEnd the app is informed when its
// client has closed its sending side.
func (s *Server) ServeOnLoop(x modgw.LoopExchange, scope Scope, tellEnd bool) bool {
	body := x.Body()
	limit := s.app.Descriptor.Limits.Body
	if limit > 0 && int64(len(body)) > limit || len(body) > relay.AheadSize {
		return false
	}
	r, info := x.Request()
	head := scope(s.head[:0], r, info, int64(len(body)))
	if s.head = head; len(head) > request.MaxHead {
		return false
	}
	m := s.requests.TryAcquire()
	if m == nil {
		return false
	}
	c := m.Value.(*Conn)
	c.worker.Began()
	d := &direct{
		server: s, exchange: x, scope: scope, isHead: r.Method == http.MethodHead, tellEnd: tellEnd,
	}
	d.stream = &Stream{
		Sender: request.Sender{Out: c.out}, conn: c, kind: HTTP, progress: begun, direct: d,
		request: workers.Request{ID: info.ID, Method: r.Method, Path: info.Path},
	}
	if !c.openDirect(d.stream, head, body) {
		return false
	}
	info.Give(c.worker.Number, c.worker.PID(), x.Loop().Time())
	x.SetOwner(d)
	return true
}

// openDirect begins a stream that is served on the loop. The frame is written at the end of the
// loop's turn, with those of others. If the connection can have no more streams, it releases the
// slot and reports false.
func (c *Conn) openDirect(s *Stream, head, body []byte) bool {
	s.deadline.set(c.server.app.Deadline())
	s.Open(wire.InitialWindow, len(body))
	var refused error
	err := c.out.Append(func(b []byte) []byte {
		if refused = c.register(s); refused != nil {
			return b
		}
		return wire.AppendRequest(b, s.ID, wire.FlagEnd, head, body)
	})
	if err != nil || refused != nil {
		c.release(s.kind)
		return false
	}
	if len(c.unflushed) == 0 {
		c.loop.FlushLater(c)
	}
	c.unflushed = append(c.unflushed, s)
	return true
}

// Flush implements [eventloop.Flusher].
func (c *Conn) Flush() {
	defer c.contain()
	left, err := c.out.Flush()
	if left && !c.worker.Pool.Background(c.out.Drain) {
		go c.out.Drain() // it ends when the connection is closed, which is soon
	}
	for i, s := range c.unflushed {
		c.unflushed[i] = nil
		if err != nil {
			s.noteUnsent()
		}
	}
	c.unflushed = c.unflushed[:0]
	if err != nil {
		c.fail(err)
	}
}

// startReading lets the loop read the connection.
func (c *Conn) startReading() {
	c.reads = true
	c.readOnLoop()
}

// readOnLoop delivers the available frames.
func (c *Conn) readOnLoop() (handled bool) {
	defer c.contain()
	for c.reads && c.isOpen() {
		f, ok, err := c.in.Buffered()
		if !ok && err == nil {
			if ok, err = c.in.TryFill(); !ok && err == nil {
				c.in.Rest()
				return true
			}
			if err == nil {
				continue
			}
		}
		if err == nil {
			err = c.deliver(f)
		}
		if err != nil {
			c.fail(err)
		}
	}
	return true
}

// contain ends the worker, and nothing else, when the code for its connection panics.
func (c *Conn) contain() {
	if value := recover(); value != nil {
		listen.LogPanic(value, nil, c.worker.Log)
		c.fail(wire.Errorf("the code for its connection panicked: %v", value))
	}
}

// deliver handles a frame of the request.
func (d *direct) deliver(f wire.Frame) error {
	s := d.stream
	if f.Type == wire.Response && f.End() && len(f.Payload) <= response.SmallEnd && d.respond(f) {
		return nil
	}
	if f.Type == wire.Response && !f.End() && d.respondFrom(f) {
		return nil
	}
	end, err := s.receive(f, nil)
	if end {
		s.conn.remove(s)
	}
	if err == nil && f.Type != wire.Window {
		d.Detach()
	}
	return err // which ends all streams of the connection
}

// respond ends the request with a frame that is the whole response. It reports false for one that
// is not right, or not expected.
func (d *direct) respond(f wire.Frame) bool {
	s := d.stream
	raw, body, err := wire.SplitHead(f.Payload)
	if s.progress != begun || err != nil {
		return false
	}
	if d.server.answer.RespondOn(d.exchange, d.isHead, raw, body) != nil {
		return false
	}
	d.end()
	return true
}

// respondFrom ends the request with a response whose whole body is in shared memory. For any other
// response it does nothing and reports false.
func (d *direct) respondFrom(f wire.Frame) bool {
	s := d.stream
	c, buffer := s.conn, s.conn.buffer
	var room [4][]byte
	payloads, _, length := c.in.PeekShared(s.ID, room[:0])
	raw, body, err := wire.SplitHead(f.Payload)
	if length == 0 || err != nil || len(body) > 0 || buffer == nil || s.progress != begun {
		return false
	}
	pieces, size, err := buffer.AcquireAll(payloads)
	if err != nil || size > wire.MuxWindow || !d.server.answer.BeginOn(d.exchange, d.isHead, raw, size) {
		return false
	}
	c.in.Skip(length)
	buffer.Retain()
	free := func() {
		buffer.Close()
		if c.out.Append(func(b []byte) []byte { return wire.AppendWindow(b, s.ID, size) }) == nil {
			c.loop.FlushLater(c)
		}
	}
	d.exchange.RespondFrom(&response.Large{Config: &d.server.app.RunnerConfig, Pieces: pieces, Free: free})
	d.end()
	return true
}

// end ends a request that was answered.
func (d *direct) end() {
	s := d.stream
	s.direct = nil
	s.mu.Lock()
	s.progress = closed
	s.mu.Unlock()
	s.conn.remove(s)
	s.Finish()
}

// Detach implements [modgw.LoopOwner]: a goroutine goes on with the request.
func (d *direct) Detach() {
	s := d.stream
	s.mu.Lock()
	s.direct, s.news = nil, make(chan struct{}, 1)
	s.mu.Unlock()
	s.Credit = make(chan struct{}, 1)
	d.body = bytes.Clone(d.exchange.Body())
	d.exchange.Continue(d.resume)
}

// resume goes on with the request on a goroutine.
func (d *direct) resume(w http.ResponseWriter, r *http.Request) {
	c := request.NewCall(w, r, d.server.app)
	c.Body = relay.NewBody(d.body)
	s := d.stream
	c.Tried(s.conn.worker.Worker)
	s.ctx = r.Context()
	var inputEnded <-chan struct{}
	if d.tellEnd {
		inputEnded = c.Info.InputEnded
	}
	s.inputEnded = inputEnded
	if !s.passOn(c) {
		return
	}
	c.Head = d.scope(nil, r, c.Info, int64(len(d.body)))
	for d.server.Try(c, inputEnded) {
	}
}
