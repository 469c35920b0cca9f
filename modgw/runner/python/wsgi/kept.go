package wsgi

import (
	"slices"
	"sync"

	"github.com/modgw/modgw/modgw/runner/relay"
	"github.com/modgw/modgw/modgw/spool"
	"github.com/modgw/modgw/modgw/wire"
)

// keptBodies are the bodies that the thread of a connection may look at, also when their streams
// are closed. They have a lock of their own, which is taken last: frames are judged with Conn.mu
// held and without it.
type keptBodies struct {
	mu  sync.Mutex
	all []keptBody
}

// keptBody is the body of a stream.
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

// retain keeps what the Kept frame of a stream names until release, or until the worker has ended.
func (k *keptBodies) retain(stream uint32, buffer *spool.Buffer, regions []spool.Region) {
	if len(regions) == 0 {
		return
	}
	buffer.Retain()
	k.mu.Lock()
	defer k.mu.Unlock()
	k.all = append(k.all, keptBody{stream, buffer})
}

// release lets go of the body of a stream, at which the worker does not look any more.
func (k *keptBodies) release(stream uint32) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	i := slices.IndexFunc(k.all, func(b keptBody) bool { return b.stream == stream })
	if i < 0 {
		return wire.Errorf("a Kept frame for stream %d, which has no kept body", stream)
	}
	k.all[i].buffer.Close()
	k.all = slices.Delete(k.all, i, i+1)
	return nil
}

// releaseAll lets go of all bodies, because the worker has ended.
func (k *keptBodies) releaseAll() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, b := range k.all {
		b.buffer.Close()
	}
	k.all = nil
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
