package fastcgi

import (
	"cmp"
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/modgw/modgw/modgw/fcgi"
)

const (
	// idleTime is how long an idle connection is kept: it may occupy a process of a program that
	// others use too.
	idleTime = 10 * time.Second

	// dialTime is how long a program may take to accept a connection that the kernel cannot queue.
	dialTime = 5 * time.Second

	// maxStreams is the number of simultaneous requests on a connection if a program supports
	// several.
	maxStreams = 100

	// maxConns is the number of connections to such a program, after which they carry several
	// requests.
	maxConns = 16
)

var (
	errIdle    = errors.New("it was idle")
	errPut     = errors.New("the program is not asked any more")
	errMakeWay = errors.New("another connection waits to be accepted")
)

// program accepts connections at one address. It is a process of the app, or a program that someone
// else runs.
type program struct {
	connect func(context.Context) (net.Conn, error)
	values  fcgi.Values // its own values; set before it gets requests
	readers sync.WaitGroup

	mu      sync.Mutex
	conns   map[*conn]*place
	dialing int           // connections that are being opened
	dialed  chan struct{} // closes when one of those was opened, or was not
	fresh   int           // connections that were not accepted yet
	closed  bool
}

// place is a program's record of one connection.
type place struct {
	streams int
	idle    *time.Timer // runs while there are none
}

func newProgram(connect func(context.Context) (net.Conn, error)) *program {
	return &program{connect: connect, conns: make(map[*conn]*place), dialed: make(chan struct{})}
}

// open returns a connection with a new stream for s. If reuse is false, the connection is new.
func (p *program) open(ctx context.Context, s *stream, reuse bool) (*conn, error) {
	for {
		c, dialed := p.pick(reuse)
		switch {
		case dialed != nil:
			select {
			case <-dialed:
				continue
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		case c != nil:
			if c.begin(s) == nil {
				return c, nil
			}
			p.put(c, false) // it broke meanwhile, and is not picked again
			continue
		}
		c, err := p.dial(ctx)
		if err != nil {
			return nil, err
		}
		if err := c.begin(s); err != nil {
			p.put(c, false)
			return nil, err
		}
		return c, nil
	}
}

// dial opens the connection that pick has reserved, with a place that is taken.
func (p *program) dial(ctx context.Context) (*conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	raw, err := p.connect(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dialing--
	close(p.dialed)
	p.dialed = make(chan struct{})
	if err != nil {
		return nil, err
	}
	if p.closed {
		raw.Close()
		return nil, errPut
	}
	c := &conn{
		program: p,
		net:     raw,
		mpxs:    p.values.Mpxs,
		ended:   make(chan struct{}),
		streams: make(map[uint16]*stream),
	}
	p.conns[c] = &place{streams: 1}
	p.fresh++
	p.readers.Go(c.read)
	return c, nil
}

// pick reserves a place on an existing connection. If there is none, the caller must either dial,
// which is counted already, or wait until dialed closes and then pick again, because the largest
// number of connections is being opened.
func (p *program) pick(reuse bool) (c *conn, dialed <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c = p.share(reuse); c == nil {
		if p.values.Mpxs && p.dialing > 0 && len(p.conns)+p.dialing >= p.limit() {
			return nil, p.dialed
		}
		p.dialing++
	}
	return c, nil
}

// limit returns the number of connections to a program, after which they carry several requests.
func (p *program) limit() int { return cmp.Or(p.values.MaxConns, maxConns) }

// share is pick without a new connection; nil when there must be one. p.mu is held.
func (p *program) share(reuse bool) *conn {
	var best *conn
	for c, at := range p.conns {
		if c.why() == nil && (best == nil || at.streams < p.conns[best].streams) {
			best = c
		}
	}
	if best == nil {
		return nil
	}
	at := p.conns[best]
	switch {
	case at.streams == 0 && !reuse && !best.mpxs:
		// A process that waits for the next request on this connection accepts no other.
		at.idle.Stop()
		delete(p.conns, best)
		best.close(errMakeWay)
		return nil
	case at.streams == 0:
		at.idle.Stop()
	case !best.mpxs || at.streams >= maxStreams || len(p.conns)+p.dialing < p.limit():
		return nil
	}
	at.streams++
	return best
}

// put gives a place back, and keeps the connection for others if it may.
func (p *program) put(c *conn, keep bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := p.conns[c]
	if at == nil {
		return // it broke meanwhile
	}
	at.streams--
	switch {
	case !keep:
		c.close(errPut)
	case at.streams > 0:
		return
	case p.closed:
		c.close(errPut)
	case p.fresh > 0 && !c.mpxs:
		c.close(errMakeWay)
	default:
		at.idle = time.AfterFunc(idleTime, func() { p.expire(c) })
		return
	}
	if at.streams == 0 {
		delete(p.conns, c)
	}
}

// expire closes a connection that was idle for too long.
func (p *program) expire(c *conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if at := p.conns[c]; at != nil && at.streams == 0 {
		delete(p.conns, c)
		c.close(errIdle)
	}
}

// accepted counts a connection out of the fresh ones.
func (p *program) accepted() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fresh--
}

// lost forgets a connection that broke.
func (p *program) lost(c *conn, wasAccepted bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !wasAccepted {
		p.fresh--
	}
	if at := p.conns[c]; at != nil {
		if at.idle != nil {
			at.idle.Stop()
		}
		delete(p.conns, c)
	}
}

// retire opens no more connections, and closes each when its requests have ended. Output that the
// program has sent is still read.
func (p *program) retire() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for c, at := range p.conns {
		if at.streams == 0 {
			at.idle.Stop()
			delete(p.conns, c)
			c.close(errPut)
		}
	}
}

// gone reports whether a retired program has no connections left.
func (p *program) gone() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.closed && len(p.conns) == 0
}

// close ends all connections, and returns when nothing reads them any more.
func (p *program) close() {
	p.retire()
	p.mu.Lock()
	for c := range p.conns {
		c.close(errPut)
	}
	p.mu.Unlock()
	p.readers.Wait()
}

// noMpxs records that the program does not support several requests on one connection, contrary to
// its answer.
func (p *program) noMpxs() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.values.Mpxs = false
}
