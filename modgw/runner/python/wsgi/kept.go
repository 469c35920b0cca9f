package wsgi

import (
	"slices"

	"github.com/modgw/modgw/modgw/runner/relay"
	"github.com/modgw/modgw/modgw/spool"
	"github.com/modgw/modgw/modgw/wire"
)

// keptBody is a body that the thread of a connection may look at, also when its stream is closed.
type keptBody struct {
	stream uint32
	buffer *spool.Buffer
}

// pin returns where a body is kept, if the worker can read it there.
func (c *Conn) pin(body *relay.Body) (*spool.Buffer, []spool.Region) {
	if c.buffer == nil {
		body.Unpin()
		return nil, nil
	}
	return body.Pin()
}

// retainKept keeps what the Kept frame of a stream names until releaseKept, or until the worker has
// ended.
func (c *Conn) retainKept(stream uint32, buffer *spool.Buffer, regions []spool.Region) {
	if len(regions) == 0 {
		return
	}
	buffer.Retain()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kept = append(c.kept, keptBody{stream, buffer})
}

// releaseKept lets go of the body of a stream, at which the worker does not look any more.
func (c *Conn) releaseKept(stream uint32) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.IndexFunc(c.kept, func(k keptBody) bool { return k.stream == stream })
	if i < 0 {
		return wire.Errorf("a Kept frame for stream %d, which has no kept body", stream)
	}
	c.kept[i].buffer.Close()
	c.kept = slices.Delete(c.kept, i, i+1)
	return nil
}

// appendKept appends the Kept frame of a request, unless there are no regions.
func appendKept(b []byte, stream uint32, regions []spool.Region, whole bool) []byte {
	if len(regions) == 0 {
		return b
	}
	flags := wire.Flags(0)
	if whole {
		flags = wire.FlagEnd
	}
	start := len(b)
	b = wire.BeginFrame(b, wire.Kept, flags, stream)
	for _, r := range regions {
		b = wire.AppendPiece(b, r.Offset, r.Length)
	}
	return wire.EndFrame(b, start)
}
