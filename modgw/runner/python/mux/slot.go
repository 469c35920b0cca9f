package mux

import (
	"context"
	"sync/atomic"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/runner/python/request"
)

// movesAtOnce is the number of WebSockets and event streams that leave the workers of a server at
// the same time. The others continue meanwhile, so that none of them pauses for long when thousands
// have to move.
const movesAtOnce = 32

// Successor is a runner with a server to which WebSockets and event streams can move.
type Successor interface {
	// Resumes returns the server, or nil if its app cannot continue streams that it has not begun.
	Resumes() *Server
}

// Slot is a slot of a worker to which a WebSocket or an event stream is about to move. The request
// counts for the generations of both until Open or Cancel.
type Slot struct {
	server *Server
	conn   *Conn // nil after Open or Cancel
	kind   Kind
	move   *modgw.Move
	from   *Server
	turn   atomic.Bool // it is one of the movesAtOnce
}

// Reserve returns a slot to which the stream's request can move; nil when there is none. It waits
// while many others move, until ctx is done.
func (s *Stream) Reserve(ctx context.Context, info *modgw.RequestInfo) *Slot {
	t := &Slot{kind: s.kind, from: s.conn.server}
	if !t.AwaitTurn(ctx) {
		return nil
	}
	if t.move = info.Move(); t.move != nil {
		if t.server = successor(t.move); t.server != nil {
			var err error
			if t.conn, err = t.server.acquire(ctx, s.kind); err == nil {
				return t
			}
		}
		t.move.Cancel()
	}
	t.Yield()
	return nil
}

// successor is the server to move to; nil: there is none that goes on.
func successor(m *modgw.Move) *Server {
	if next, ok := m.Runner().(Successor); ok {
		return next.Resumes()
	}
	return nil
}

// AwaitTurn waits while many others move. It reports false when ctx is done before.
func (t *Slot) AwaitTurn(ctx context.Context) bool {
	select {
	case t.from.moves <- struct{}{}:
	case <-ctx.Done():
		return false
	}
	if t.turn.Swap(true) {
		<-t.from.moves // it had one already
	}
	return true
}

// Yield lets others move.
func (t *Slot) Yield() {
	if t.turn.Swap(false) {
		<-t.from.moves
	}
}

// Cancel gives the slot back, unless it was used. The request stays where it is.
func (t *Slot) Cancel() {
	if t.conn != nil {
		t.conn.release(t.kind)
		t.conn = nil
		t.move.Cancel()
	}
	t.Yield()
}

// Open begins a stream with the head of a Request frame. The request is the new server's from now
// on, also after an error. ctx ends the stream.
func (t *Slot) Open(ctx context.Context, c *request.Call, head []byte) (*Stream, error) {
	conn := t.conn
	t.conn = nil
	t.move.Done()
	c.MoveTo(t.server.app, conn.worker.Worker)
	return conn.open(ctx, opening{
		kind: t.kind, request: c.Name(), head: head, whole: t.kind == HTTP,
		deadline: t.server.app.Deadline(), inputEnded: c.Info.InputEnded,
	})
}
