package onloop

import (
	"bytes"
	"net/http"
	"time"

	"golang.org/x/sys/unix"

	"github.com/modgw/modgw/internal/rawsocket"
	"github.com/modgw/modgw/modgw"
)

const (
	// stallTime is how long a response may be sent from the original place of its body. After that
	// a goroutine sends a copy of the rest.
	stallTime = 20 * time.Millisecond

	// sendSize is the largest number of bytes sent by one call, so that it does not take long.
	sendSize = 256 << 10
)

// Sender is a [Protocol] that can send a body from where it is.
type Sender interface {
	Protocol

	// AppendHead appends the part of a whole response before its body of length bytes; nothing
	// follows the body. It reports false if the protocol does not allow that.
	AppendHead(b []byte, status int, header http.Header, length int, now time.Time) ([]byte, bool)
}

// sending is a response that is sent from where its body is.
type sending struct {
	body   modgw.LoopBody
	pieces [][]byte // the part that was not sent, in pieces that are not empty
	sent   int      // bytes of the head and the body that were sent
	head   int      // length of the head
}

// Begin implements [modgw.LoopExchange].
func (c *Conn) Begin(status, length int) bool {
	sender, ok := c.protocol.(Sender)
	if !ok || c.state != serving {
		return false
	}
	local := c.local.Load()
	local.out, ok = sender.AppendHead(local.out[:0], status, c.header, length, local.loop.Time())
	return ok
}

// RespondFrom implements [modgw.LoopExchange]. It does nothing after a panic has ended the
// connection.
func (c *Conn) RespondFrom(body modgw.LoopBody) {
	if c.state != serving {
		body.Release()
		return
	}
	defer c.contain()
	c.last, c.misses = !c.protocol.EndRequest() || c.last, 0
	c.forget()
	head := c.local.Load().out
	c.sending = &sending{
		body: body, pieces: body.AppendPieces([][]byte{head}), head: len(head),
	}
	c.send()
}

// send sends as much as the socket accepts.
func (c *Conn) send() {
	s := c.sending
	local := c.local.Load()
	var err error
	for err == nil && len(s.pieces) > 0 {
		err = s.sendSome(c.fd, &local.message)
	}
	waited := c.state == responding
	switch {
	case err == unix.EAGAIN && waited:
	case err == unix.EAGAIN:
		if s.sent < s.head { // which is in memory that others use
			s.pieces[0] = bytes.Clone(s.pieces[0])
		}
		c.enter(responding, local.stall)
		if c.source.AwaitRoom() != nil {
			c.close()
		}
	case err != nil:
		c.close()
	default:
		c.releaseBody()
		if waited {
			c.source.StopAwaitingRoom() // bytes that have arrived meanwhile cause an event
		}
		c.endResponse()
	}
}

// sendSome sends some of the pieces by one call.
func (s *sending) sendSome(fd int, message *rawsocket.Message) error {
	n, err := message.Send(fd, sendSize, s.pieces...)
	s.sent += n
	for n > 0 {
		first := min(n, len(s.pieces[0]))
		n -= first
		if s.pieces[0] = s.pieces[0][first:]; len(s.pieces[0]) == 0 {
			s.pieces = s.pieces[1:]
		}
	}
	return err
}

// releaseBody releases the body, if there is one.
func (c *Conn) releaseBody() {
	if s := c.sending; s != nil {
		c.sending = nil
		s.body.Release()
	}
}

// sendElsewhere has a goroutine send the rest of a response.
func (c *Conn) sendElsewhere() {
	s := c.sending
	c.sending = nil
	w := Work{IsOver: c.last, Body: s.body.Reader(max(0, s.sent-s.head))}
	if s.sent < s.head {
		w.Rest = s.pieces[0]
	}
	c.leaveLoop(w)
}
