package http

import (
	"bytes"
	"io"
	"sync/atomic"

	"github.com/modgw/modgw/modgw"
)

// firstOctets is how many octets of a request net/http waits for before it reads on; while it answers one request it waits
// for the first octet of the next. An error among them would cut off the answer, or be taken for the client's going.
const firstOctets = 4

// guard stands between a connection and net/http, which is more lenient about where a request ends. It lets no octet pass
// that framing refuses: net/http then answers what came before, finds the next request broken off, answers it with
// 400 and closes. Reading, and stepping aside, is for one goroutine at a time.
type guard struct {
	framing framing
	refused atomic.Pointer[modgw.Fault]
	rest    []byte // after a refusal, what was received and not passed on
	owed    int    // octets that net/http waits for yet, of a request whose first line will never be complete
}

// read reads from a connection. After what came before a refused octet the error is a *modgw.Fault.
func (g *guard) read(from io.Reader, p []byte) (int, error) {
	if g.rest != nil || g.refused.Load() != nil {
		return g.readRest(p)
	}
	n, err := from.Read(p)
	passed, why := g.framing.feed(p[:n])
	if why == accepted {
		return n, err
	}
	g.rest = bytes.Clone(p[passed:n])
	if g.framing.early() {
		g.owed = firstOctets
	}
	g.refused.Store(why.fault())
	if passed > 0 {
		return passed, nil
	}
	return g.readRest(p)
}

// between reports whether all that was received are whole requests.
func (g *guard) between() bool {
	return g.framing.at == atStart && g.framing.verdict == accepted && g.rest == nil
}

// readRest reads after a refusal, or after the guard has stepped aside with something in hand.
func (g *guard) readRest(p []byte) (int, error) {
	fault := g.refused.Load()
	if fault == nil {
		n := copy(p, g.rest)
		if g.rest = g.rest[n:]; len(g.rest) == 0 {
			g.rest = nil
		}
		return n, nil
	}
	if g.owed == 0 {
		return 0, fault
	}
	p = p[:min(len(p), g.owed)]
	n := copy(p, g.rest)
	clear(p[n:]) // what has not been received yet can be anything
	g.rest = g.rest[n:]
	g.owed -= len(p)
	return len(p), nil
}

// stepAside lets everything pass from now on, and what was refused before: somebody has taken the connection over and
// speaks another protocol.
func (g *guard) stepAside() {
	g.framing = framing{at: steppedBy}
	g.refused.Store(nil)
	if len(g.rest) == 0 {
		g.rest = nil
	}
}
