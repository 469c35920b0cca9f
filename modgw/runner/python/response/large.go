package response

import (
	"io"
	"net"
	"slices"
	"time"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/spool"
)

// Large is the body of a response that is complete in memory that the worker shares. The loop sends
// it from there. To a slow client a goroutine sends the rest, which is soon kept elsewhere.
type Large struct {
	Config *modgw.RunnerConfig // the app's; its Loop must not be nil
	Pieces [][]byte            // none of them is empty
	Free   func()              // called once, on the loop, when Pieces are not used any more

	rest net.Buffers // the pieces that were not read
}

var (
	_ modgw.LoopBody = (*Large)(nil)
	_ spool.Source   = (*Large)(nil)
)

// AppendPieces implements [modgw.LoopBody].
func (l *Large) AppendPieces(to [][]byte) [][]byte { return append(to, l.Pieces...) }

// Release implements [modgw.LoopBody].
func (l *Large) Release() { l.Free() }

// Reader implements [modgw.LoopBody].
func (l *Large) Reader(sent int) io.ReadCloser {
	l.rest = slices.Clone(l.Pieces)
	_, _ = io.CopyN(io.Discard, &l.rest, int64(sent)) // there are as many bytes
	c := l.Config
	notKept := func(err error) { c.Log.Warn("response not kept for a slow client", "reason", err) }
	return &largeReader{spool.NewReadAhead(l, c.Spool, c.Descriptor.Spool.Response, notKept), l}
}

// Read implements [spool.Source].
func (l *Large) Read(b []byte) (n int, err error) {
	if n, err = l.rest.Read(b); err != nil {
		l.end()
	}
	return n, err
}

// end gives the memory back, unless it was given back.
func (l *Large) end() {
	if free := l.Free; free != nil {
		l.rest, l.Free = nil, nil
		l.Config.Loop.Post(free)
	}
}

// Ready implements [spool.Source].
func (l *Large) Ready() bool { return true }

// Waited implements [spool.Source].
func (l *Large) Waited(time.Duration) {}

// Interrupt implements [spool.Source].
func (l *Large) Interrupt() {}

// largeReader reads the rest of a body.
type largeReader struct {
	*spool.ReadAhead
	body *Large
}

// Close implements [io.Closer].
func (r *largeReader) Close() error {
	r.ReadAhead.Close()
	r.body.end()
	return nil
}
