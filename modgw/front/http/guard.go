package http

import (
	"io"
	"sync"
	"sync/atomic"

	"github.com/modgw/modgw/modgw"
)

// readSize is how much is read at once while the head of a request is not complete.
const readSize = 4 << 10

var readBuffers = sync.Pool{New: func() any { return new([readSize]byte) }}

// guard stands between a connection and net/http, which is more lenient about where a request ends.
// It passes a head on when all of it has come, and no octet that framing refuses; empty lines
// before a request are dropped. Reading, and stepping aside, is for one goroutine at a time.
type guard struct {
	framing   framing
	refused   atomic.Pointer[modgw.Fault]
	completed atomic.Int64 // requests whose last octet has come
	held      []byte       // not passed on: empty lines, the beginning of a head, or what is refused
	ready     []byte       // what the next read returns
}

// read reads once from a connection. It returns (0, nil) when what has come is not to be passed on
// yet. After what came before a refused octet the error is a *modgw.Fault.
func (g *guard) read(from io.Reader, p []byte) (int, error) {
	switch {
	case len(g.ready) > 0:
		return g.readReady(p), nil
	case g.refused.Load() != nil:
		return 0, g.refused.Load()
	case g.framing.at == steppedBy:
		return from.Read(p)
	case g.framing.phase == inHead, g.framing.phase == betweenRequests && (len(g.held) > 0 || len(p) < readSize):
		return g.readHead(from, p)
	}
	n, err := from.Read(p)
	kept, whole := g.sift(p[:n])
	g.held = append(g.held, p[whole:kept]...)
	if n > 0 {
		err = nil // it comes again
	}
	if whole == 0 && err == nil && g.refused.Load() != nil {
		return 0, g.refused.Load()
	}
	return whole, err
}

// readHead reads on from within a head.
func (g *guard) readHead(from io.Reader, p []byte) (int, error) {
	buffer := readBuffers.Get().(*[readSize]byte)
	defer readBuffers.Put(buffer)
	n, err := from.Read(buffer[:])
	if n == 0 {
		return 0, err
	}
	kept, whole := g.sift(buffer[:n])
	if whole > 0 {
		g.ready, g.held = append(g.held, buffer[:whole]...), nil
	}
	g.held = append(g.held, buffer[whole:kept]...)
	if len(g.ready) == 0 && g.refused.Load() != nil {
		return 0, g.refused.Load()
	}
	return g.readReady(p), nil
}

func (g *guard) readReady(p []byte) int {
	n := copy(p, g.ready)
	if g.ready = g.ready[n:]; len(g.ready) == 0 {
		g.ready = nil
	}
	return n
}

// sift moves what is kept of b to its beginning: all but empty lines before a request. It returns
// how much that is, and how much of it can be passed on, which is what comes before an incomplete
// head or a refused octet.
func (g *guard) sift(b []byte) (kept, whole int) {
	f := &g.framing
	holdsBlank := f.phase == betweenRequests // what is held are empty lines
	n, blank := 0, 0
	for n < len(b) && f.verdict == accepted {
		begun := f.phase
		m := f.feed(b[n:])
		kept += copy(b[kept:], b[n:n+m])
		n += m
		if begun == betweenRequests {
			blank += m
		}
		if begun == betweenRequests && f.phase == inHead {
			kept, blank = kept-blank, 0
			if holdsBlank {
				g.held, holdsBlank = g.held[:0], false
			}
		}
		if f.phase != inHead {
			whole = kept - blank
		}
	}
	g.completed.Store(int64(f.completed))
	if f.verdict != accepted {
		g.refused.Store(f.verdict.fault())
		kept += copy(b[kept:], b[n:])
	}
	return kept, whole
}

// withinHead reports whether a part of a head has come and the rest is awaited.
func (g *guard) withinHead() bool {
	return g.framing.phase == inHead && g.framing.verdict == accepted
}

// refusesHead reports whether what is refused is the head of a request.
func (g *guard) refusesHead() bool {
	return g.framing.phase != inBody && g.framing.verdict != accepted
}

// giveUp refuses a head that does not come to its end.
func (g *guard) giveUp() {
	g.framing.verdict = slowHead
	g.refused.Store(slowHead.fault())
}

// stepAside lets everything pass from now on, and what was held back before: somebody has taken the
// connection over and speaks another protocol.
func (g *guard) stepAside() {
	g.framing = framing{at: steppedBy}
	g.refused.Store(nil)
	g.ready, g.held = append(g.ready, g.held...), nil
}
