package fcgi

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"math"
	"net"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/modgw/modgw/internal/rawsocket"
	"github.com/modgw/modgw/modgw/fcgi"
)

// leadAfter is how long a handler runs before another goroutine takes the lead of its connection.
// Longer requests do not notice the cost; shorter ones do not have it.
const leadAfter = 10 * time.Millisecond

var (
	errDrained      = errors.New("the host ends and could not wait any longer")
	errReadTimeout  = errors.New("the rest of the request did not come in time")
	errWriteTimeout = errors.New("the response was not taken in time")
	errGone         = errors.New("the client has gone")
	errEnded        = errors.New("the connection has ended")
)

// conn is one connection of a web server.
type conn struct {
	server  *Server
	base    context.Context // parent of all requests; never done
	rwc     net.Conn
	socket  net.Conn // rwc as it was accepted, for writes of two pieces
	trusted bool
	log     *slog.Logger
	in      fcgi.Reader // belongs to the reading turn
	wanted  wanted      // belongs to the reading turn
	inBuf   *[bufferSize]byte
	idle    idle
	tryRead func(fd uintptr) bool // readOnce as a value that is made once
	// for the variables of the next request; belongs to the reading turn
	spare []byte

	mu        sync.Mutex
	turn      sync.Cond // something below, or of a stream, has changed
	reading   readingTurn
	leading   bool      // a goroutine is in lead and not in a handler
	waiting   int       // handlers that wait for more of their request's body
	multiplex bool      // the peer has sent a request while another was in flight
	streams   []*stream // requests in flight, from their begin record to our end record
	ready     []*stream // those whose handler can be called
	phase     phase
	lingerID  uint16 // request whose body is still to come while lingering
	stay      int    // requests to be served before the connection goes back to its loop
	failed    error  // why the connection is of no use any more
	group     sync.WaitGroup

	out out

	// Limits of a handler without another goroutine in lead, of a read, and of a write.
	leadTimer, readTimer, writeTimer *time.Timer
}

// neverReturns is the stay of a connection that did not come from a loop, or cannot go back.
const neverReturns = math.MaxInt

func newConn(s *Server, base context.Context, rwc net.Conn, trusted bool) *conn {
	c := &conn{
		server:  s,
		base:    base,
		rwc:     rwc,
		socket:  rwc,
		trusted: trusted,
		log:     s.config.Log,
		leading: true,
		stay:    neverReturns,
	}
	c.turn.L = &c.mu
	c.idle.raw = rawConn(rwc)
	if socket, ok := rawsocket.Of(rwc); ok {
		c.rwc = socket
	}
	c.tryRead = c.readOnce
	c.leadTimer = newTimer(c.lateLead)
	c.readTimer = newTimer(func() { c.fail(c.lateRead()) })
	c.writeTimer = newTimer(func() { c.fail(errWriteTimeout) })
	return c
}

// newTimer makes a timer that is not set. Setting and stopping one costs no more than to read the
// clock (BenchmarkRoundTrip).
func newTimer(over func()) *time.Timer {
	t := time.AfterFunc(time.Hour, over)
	t.Stop()
	return t
}

// serve returns when no handler of the connection runs and it has ended, or goes back to its loop.
func (c *conn) serve() (goesBack bool) {
	defer c.stopTimers()
	c.lead()
	c.group.Wait()
	c.server.buffers.put(c.inBuf)
	c.inBuf = nil
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.phase != returning {
		c.rwc.Close()
	}
	return c.phase == returning
}

func (c *conn) stopTimers() {
	for _, t := range []*time.Timer{c.leadTimer, c.readTimer, c.writeTimer} {
		t.Stop()
	}
}

// stayHere lets a connection be served that could not go back.
func (c *conn) stayHere() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stay, c.leading = neverReturns, true
	if c.phase == returning {
		c.phase = open
	}
}

// lead takes records and serves the requests that they make, until the connection ends or another
// goroutine has taken the lead while this one was in a handler.
func (c *conn) lead() {
	for {
		s, err := c.nextReady()
		if err != nil {
			c.fail(err)
			return
		}
		if s == nil {
			return
		}
		if c.isMultiplex() {
			c.group.Go(func() { c.run(s) })
			continue
		}
		if !c.runLeaderless(s) {
			return
		}
	}
}

// nextReady reads records until there is a request whose handler can be called, and returns it. It
// returns nil if a handler leads from now on, because it only waits for the body of its request:
// passing on each record would cost a wake-up.
func (c *conn) nextReady() (*stream, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		switch {
		case c.failed != nil:
			return nil, c.failed
		case len(c.ready) > 0:
			s := c.ready[0]
			c.ready = slices.Delete(c.ready, 0, 1)
			return s, nil
		case c.isOver():
			return nil, errEnded
		case c.mayReturn():
			c.phase = returning
			return nil, nil
		case c.waiting > 0 && !c.multiplex:
			c.leading = false
			c.turn.Broadcast()
			c.promoteLater()
			return nil, nil
		case c.reading != turnFree || c.readAheadFull():
			c.turn.Wait()
		default:
			if err := c.takeTurn(); err != nil {
				return nil, err
			}
		}
	}
}

// takeTurn reads one record, or a piece of one, and those that arrived with it. The caller holds
// c.mu, which is released meanwhile.
func (c *conn) takeTurn() error {
	c.reading = turnTaken
	idle := len(c.streams) == 0 && c.in.Between()
	awaited := c.awaited()
	c.mu.Unlock()
	err := c.takeInTime(idle, awaited)
	c.mu.Lock()
	interrupted := c.reading == turnInterrupted
	c.reading = turnFree
	c.turn.Broadcast()
	if !interrupted {
		return err
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = nil // reading may go on
	}
	return errors.Join(err, c.rwc.SetReadDeadline(time.Time{}))
}

// interrupt has the goroutine that waits in takeTurn let go. The caller holds c.mu.
func (c *conn) interrupt() {
	if c.reading == turnTaken {
		c.reading = turnInterrupted
		_ = c.rwc.SetReadDeadline(time.Unix(1, 0)) // a connection that fails ends
	}
}

// wantsMore reports whether more records may be taken before those that were are served.
func (c *conn) wantsMore() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.ready) == 0 && !c.readAheadFull() && !c.isOver() && !c.wanted.full()
}

// takeInTime reads a record, and those that arrived with it, within the read timeout, unless the
// peer is allowed to take longer.
func (c *conn) takeInTime(idle, awaited bool) error {
	if idle {
		if err := c.awaitBytes(); err != nil {
			return err
		}
	}
	if awaited || !c.in.Between() {
		c.readTimer.Reset(c.server.config.ReadTimeout)
		defer c.readTimer.Stop()
	}
	err := c.takeRecord()
	for err == nil && c.in.Ready() && c.wantsMore() {
		err = c.takeRecord()
	}
	return err
}

// awaited reports whether the peer owes us something.
func (c *conn) awaited() bool {
	return c.phase == lingering ||
		slices.ContainsFunc(c.streams, func(s *stream) bool { return s.input != inputEnded })
}

// readAheadFull reports whether some handler should first read the part of its body that was read
// ahead.
func (c *conn) readAheadFull() bool {
	return slices.ContainsFunc(c.streams, func(s *stream) bool { return s.stage != gathering && len(s.stdin) >= readAhead })
}

func (c *conn) isMultiplex() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.multiplex
}

// runLeaderless calls the handler of s in the goroutine that leads. It reports whether that
// goroutine leads afterwards.
func (c *conn) runLeaderless(s *stream) bool {
	c.mu.Lock()
	c.leading = false
	c.mu.Unlock()
	c.promoteLater()
	c.run(s)
	c.leadTimer.Stop()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.leading {
		return false
	}
	c.leading = true
	return true
}

// promoteLater has another goroutine promoted when the handler runs for long.
func (c *conn) promoteLater() { c.leadTimer.Reset(leadAfter) }

// lateLead promotes another goroutine, unless the handler has just ended.
func (c *conn) lateLead() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.promote()
}

// promote makes another goroutine lead if the leading one has been in a handler for long, or if
// another request is ready.
func (c *conn) promote() {
	c.leadTimer.Stop()
	if c.leading {
		return
	}
	c.leading = true
	c.turn.Broadcast()
	c.group.Go(c.lead)
}

// lateRead is why a read must not go on.
func (c *conn) lateRead() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.isUnused() {
		return errEnded
	}
	return errReadTimeout
}

// Cut ends the connection at once.
func (c *conn) Cut(err error) { c.fail(err) }

// Drain ends the connection as soon as no request is in flight.
func (c *conn) Drain() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.startClosing()
	if c.isOver() {
		c.rwc.Close()
	}
}

// fail ends the connection and informs all its requests of the reason. A running handler notices by
// its context, its body or its next write.
func (c *conn) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failed != nil {
		return
	}
	c.failed = err
	c.logEnd(err)
	cause := err
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		cause = errGone
	}
	for _, s := range slices.Clone(c.streams) {
		s.lose(cause)
		if s.stage == gathering {
			c.remove(s)
		}
	}
	c.ready = nil
	// After its request a client may shut down only its sending side and wait for the response:
	// then the running handler's writes succeed. In all other cases nothing can be sent any more.
	if !errors.Is(err, io.EOF) {
		c.rwc.Close()
	}
	c.turn.Broadcast()
}

// logEnd logs why the connection ended where that is not the way of all connections.
func (c *conn) logEnd(err error) {
	switch {
	case errors.Is(err, errEnded), errors.Is(err, io.EOF), errors.Is(err, net.ErrClosed):
	case errors.Is(err, io.ErrUnexpectedEOF):
		c.log.Debug("connection ended within a request", "peer", c.rwc.RemoteAddr())
	default:
		c.log.Warn("connection ended", "peer", c.rwc.RemoteAddr(), "error", err)
	}
}

// inFlight is the number of requests that wait for an answer.
func (c *conn) inFlight() (n int) {
	for _, s := range c.streams {
		if s.stage != replied {
			n++
		}
	}
	return n
}

func (c *conn) find(id uint16) *stream {
	for _, s := range c.streams {
		if s.id == id {
			return s
		}
	}
	return nil
}

func (c *conn) lookup(id uint16) *stream {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.find(id)
}

func (c *conn) remove(s *stream) {
	if i := slices.Index(c.streams, s); i >= 0 {
		c.streams = slices.Delete(c.streams, i, i+1)
	}
	c.turn.Broadcast()
}
