package wsgi

import (
	"io"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/modgw/modgw/modgw/runner/relay"
	"github.com/modgw/modgw/modgw/spool"
	"github.com/modgw/modgw/modgw/wire"
)

// keptBodies are the bodies that the thread of a connection may look at, also when their streams
// are closed. They have a lock of their own, which is taken last: frames are judged with Conn.mu
// held and without it.
type keptBodies struct {
	count atomic.Int32 // length of all, which is read without the lock

	mu  sync.Mutex
	all []keptBody // in the order of their streams
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

// retain keeps the regions of the Kept frame of a stream until release, or until the worker has
// ended.
func (k *keptBodies) retain(stream uint32, buffer *spool.Buffer, regions []spool.Region) {
	if len(regions) == 0 {
		return
	}
	buffer.Retain()
	k.mu.Lock()
	defer k.mu.Unlock()
	k.all = append(k.all, keptBody{stream, buffer})
	k.count.Store(int32(len(k.all)))
}

// any reports whether there are kept bodies.
func (k *keptBodies) any() bool { return k.count.Load() > 0 }

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
	k.count.Store(int32(len(k.all)))
	return nil
}

// checkReturned checks that the worker, which answers a stream, has returned the bodies of all
// streams before it.
func (k *keptBodies) checkReturned(stream uint32) error {
	if !k.any() {
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.all) > 0 && k.all[0].stream < stream {
		return wire.Errorf("an answer on stream %d before the Kept frame for stream %d",
			stream, k.all[0].stream)
	}
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
	k.count.Store(0)
}

// readIdle reads, on the loop, the worker's frames about kept bodies while there is no request,
// which would read them.
func (c *Conn) readIdle() {
	if !c.kept.any() {
		return
	}
	if err := c.readReturned(); err != nil {
		c.worker.Suspect(err)
	}
}

// readReturned reads until all kept bodies are returned, or there is nothing to read. It holds
// c.mu, so that no stream begins to read meanwhile.
func (c *Conn) readReturned() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.order) == 0 && c.err == nil && c.kept.any() {
		ok, err := c.in.TryFill()
		if ok {
			err = c.checkIdle()
			c.in.Rest()
		}
		if c.err = err; err == io.EOF {
			return nil // the control connection reports the reason
		}
		if err != nil || !ok {
			return err
		}
	}
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
