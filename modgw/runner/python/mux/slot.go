package mux

import (
	"context"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/runner/python/request"
)

// movesAtOnce is how many WebSockets and event streams leave the workers of a server at the same
// time. The others go on as before meanwhile, so that none of them pauses for long when thousands
// have to move.
const movesAtOnce = 32

// Successor is a runner with a server to which WebSockets and event streams can move.
type Successor interface {
	// Resumes returns the server; nil when its app does not go on with what it has not begun.
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
}

// Reserve returns a slot to which the stream's request can move; nil when there is none. It waits
// while many others move.
func (s *Stream) Reserve(info *modgw.RequestInfo) *Slot {
	from := s.conn.server
	select {
	case from.moves <- struct{}{}:
	case <-s.ctx.Done():
		return nil
	}
	if move := info.Move(); move != nil {
		if next, ok := move.Runner().(Successor); ok {
			if to := next.Resumes(); to != nil {
				if conn, err := to.acquire(s.ctx, s.kind); err == nil {
					return &Slot{server: to, conn: conn, kind: s.kind, move: move, from: from}
				}
			}
		}
		move.Cancel()
	}
	<-from.moves
	return nil
}

// Cancel gives the slot back, unless it was used. The request stays where it is.
func (t *Slot) Cancel() {
	if t.conn == nil {
		return
	}
	t.conn.release(t.kind)
	t.conn = nil
	t.move.Cancel()
	<-t.from.moves
}

// Open begins a stream with the head of a Request frame. The request is the new server's from now
// on. ctx ends the stream. settle lets the next request move.
func (t *Slot) Open(
	ctx context.Context, c *request.Call, head []byte,
) (s *Stream, settle func(), err error) {
	conn := t.conn
	t.conn = nil
	t.move.Done()
	c.MoveTo(t.server.app, conn.worker.Worker)
	s, err = conn.open(ctx, opening{
		kind: t.kind, request: c.Name(), head: head, whole: t.kind == HTTP,
		deadline: t.server.app.Deadline(),
	})
	return s, func() { <-t.from.moves }, err
}
