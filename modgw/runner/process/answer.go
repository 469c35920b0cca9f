package process

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"sync"
	"sync/atomic"
	"time"

	"github.com/modgw/modgw/modgw/runner/relay"
	"github.com/modgw/modgw/modgw/spool"
)

// flushInterval is how long a part of a response may wait for more. Responses of unknown length
// never wait.
const flushInterval = 10 * time.Millisecond

// answer is the body of a response as the program sends it, and knows how it ended. The clock runs
// while it is read.
type answer struct {
	io.ReadCloser
	clock   *relay.Clock
	cancel  context.CancelCauseFunc // cancels the request
	release func()                  // gives the worker's place back once the response is complete
	// ends the registration as an endless response; nil: none
	forget   func()
	replaced atomic.Bool

	complete bool
	err      error // why it broke off
}

var _ spool.Source = (*answer)(nil)

// Read implements [spool.Source]. An event stream of a replaced generation just ends, and its
// client connects again.
func (a *answer) Read(p []byte) (int, error) {
	a.clock.Resume()
	n, err := a.ReadCloser.Read(p)
	a.clock.Pause()
	switch {
	case err == nil:
		return n, nil
	case err == io.EOF || a.replaced.Load():
		a.complete, err = true, io.EOF
		a.release()
	default:
		a.err = err
	}
	return n, err
}

// Ready implements [spool.Source]; no one asks.
func (a *answer) Ready() bool { return false }

// Waited implements [spool.Source]: the clock is paused then.
func (a *answer) Waited(time.Duration) {}

// Interrupt implements [spool.Source].
func (a *answer) Interrupt() { a.cancel(relay.ErrClientGone) }

// keptBody is the body of a response as the client gets it.
type keptBody struct {
	*spool.ReadAhead
	answer *answer
}

// Close implements [io.Closer].
func (b keptBody) Close() error {
	b.ReadAhead.Close()
	return b.answer.Close()
}

func (a *answer) replace() {
	a.replaced.Store(true)
	a.cancel(relay.ErrReplaced)
}

// client is the response on its way to the client.
type client struct {
	http.ResponseWriter
	controller *http.ResponseController
	taken      atomic.Pointer[takenConn] // after Hijack; nil before
}

// Hijack is for [http.ResponseController].
func (c *client) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := c.controller.Hijack()
	if err != nil {
		return nil, nil, err
	}
	taken := &takenConn{conn, buffered.Reader}
	c.taken.Store(taken)
	return taken, buffered, nil
}

// Unwrap is for [http.ResponseController].
func (c *client) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// takenConn is a connection whose first bytes were read already.
type takenConn struct {
	net.Conn
	in *bufio.Reader
}

// Read implements [net.Conn].
func (c *takenConn) Read(p []byte) (int, error) { return c.in.Read(p) }

// CloseWrite closes the sending side towards the client.
func (c *takenConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// buffers has buffers to copy responses with. It implements [httputil.BufferPool].
type buffers struct{ pool sync.Pool }

var copyBuffers httputil.BufferPool = &buffers{sync.Pool{New: func() any { return new([32 << 10]byte) }}}

// Get implements [httputil.BufferPool].
func (b *buffers) Get() []byte { return b.pool.Get().(*[32 << 10]byte)[:] }

// Put implements [httputil.BufferPool].
func (b *buffers) Put(p []byte) { b.pool.Put((*[32 << 10]byte)(p)) }
