package spool

import (
	"errors"
	"io"
	"sync"
	"time"
)

// StallTime is how long a client may delay the reading of a response. After that the response is
// read ahead.
const StallTime = 20 * time.Millisecond

// countedTime is the shortest time that is counted as the client's.
const countedTime = time.Millisecond

// Source is where a response comes from. One goroutine at a time uses it, but for Interrupt.
type Source interface {
	// Read reads the next bytes of the response, as io.Reader. With the last bytes, or in the next
	// call, it returns io.EOF or the reason for their end. The source may release its worker then.
	io.Reader

	// Ready reports whether Read would not wait.
	Ready() bool

	// Waited reports a time for which the client, and not the source, was waited for.
	Waited(time.Duration)

	// Interrupt makes a Read that waits return soon, with any error. Any goroutine may call it,
	// also after the end.
	Interrupt()
}

// ReadAhead reads a response for a client. As long as the client keeps up, there is no other
// goroutine and nothing is stored. If the next Read does not follow within a moment, because the
// client was not ready for more, a goroutine reads the rest of the response into a [Buffer]. So the
// source is free when it has produced everything, and Read continues from the buffer.
//
// Only one goroutine may use its methods. Use [NewReadAhead] to create one.
type ReadAhead struct {
	source  Source
	account *Account
	limit   int64
	failed  func(error)

	ended bool // the source has said its last to Read
	seen  bool // Read has returned the end of the buffer
	timer *time.Timer
	since time.Time // the client has been written to

	mu     sync.Mutex
	away   bool          // the reader is busy with the client
	buffer *Buffer       // nil as long as the client keeps up
	done   chan struct{} // closes when nothing more is read into the buffer
}

// NewReadAhead returns a ReadAhead whose buffer has at most limit bytes, charged to the account.
// failed is called, from any goroutine and at most once, if a spool file cannot be used; after that
// the source waits for the client. With a nil account nothing is read ahead.
func NewReadAhead(source Source, a *Account, limit int64, failed func(error)) *ReadAhead {
	return &ReadAhead{source: source, account: a, limit: limit, failed: failed}
}

// Read reads the next bytes of the response, as io.Reader. The bytes of the previous call must not
// be in the source's memory any more.
func (r *ReadAhead) Read(p []byte) (int, error) {
	if b := r.comeBack(); b != nil {
		n, err := b.Read(p)
		r.seen = err != nil
		return n, err
	}
	n, err := r.source.Read(p)
	if r.ended = err != nil; !r.ended {
		r.goAway()
	}
	return n, err
}

// Take gives the caller the source, until it calls another method. It reports false when the source
// is read ahead of the client, or has ended.
func (r *ReadAhead) Take() bool { return r.comeBack() == nil && !r.ended }

// Waited reports that since a time the client, and not the source, was waited for. It is for the
// caller of Take, who owns the source.
func (r *ReadAhead) Waited(since time.Time) {
	if took := time.Since(since); took > countedTime {
		r.source.Waited(took)
	}
}

// Begin reports that a part of the response, which Read has not returned, is already being written
// to the client.
func (r *ReadAhead) Begin() { r.goAway() }

// Ready reports whether Read would not wait.
func (r *ReadAhead) Ready() bool {
	if b := r.comeBack(); b != nil {
		return b.Ready()
	}
	if r.ended {
		return true
	}
	defer r.goAway()
	return r.source.Ready()
}

// Behind reports whether the client is behind, so that the source is read ahead of it. Any
// goroutine may call it.
func (r *ReadAhead) Behind() bool { return r.ahead() != nil }

// Close stops reading ahead and discards the rest. The source is not used any more afterwards.
func (r *ReadAhead) Close() {
	if r.timer != nil {
		r.timer.Stop()
	}
	r.mu.Lock()
	r.away = false // readOn may run already, and wait for the lock
	b := r.buffer
	r.mu.Unlock()
	if b == nil {
		return
	}
	if !r.seen {
		b.Cut()
		r.source.Interrupt()
	}
	<-r.done
	b.Close()
}

// ahead is the buffer that is read into; nil as long as the client keeps up.
func (r *ReadAhead) ahead() *Buffer {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.buffer
}

// goAway has readOn called if the client takes long.
func (r *ReadAhead) goAway() {
	r.since = time.Now()
	if r.account == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.away = true
	if r.timer == nil {
		r.timer = time.AfterFunc(StallTime, r.readOn)
	} else {
		r.timer.Reset(StallTime)
	}
}

// comeBack makes the caller the user of the source, unless the source is being read into a buffer,
// which is then returned.
func (r *ReadAhead) comeBack() *Buffer {
	r.mu.Lock()
	b := r.buffer
	r.away = false
	r.mu.Unlock()
	if b != nil || r.since.IsZero() {
		return b
	}
	if r.timer != nil {
		r.timer.Stop()
	}
	r.Waited(r.since)
	r.since = time.Time{}
	return nil
}

// readOn reads the rest of the response into the buffer.
func (r *ReadAhead) readOn() {
	r.mu.Lock()
	if !r.away || r.buffer != nil {
		r.mu.Unlock()
		return
	}
	b := NewBuffer(r.account, r.limit)
	r.buffer, r.done = b, make(chan struct{})
	r.mu.Unlock()
	defer close(r.done)
	r.source.Waited(StallTime)
	piece := chunks.Get().(*[chunkSize]byte)
	defer chunks.Put(piece)
	for {
		n, err := r.source.Read(piece[:])
		if !r.keep(b, piece[:n]) {
			return
		}
		if err != nil {
			b.End(err)
			return
		}
	}
}

// keep writes p to the buffer, and waits for the client while it is full. It reports false when the
// client is not waited for any more.
func (r *ReadAhead) keep(b *Buffer, p []byte) bool {
	for {
		n, err := b.Write(p)
		if p = p[n:]; len(p) == 0 || b.hold(p) {
			return true
		}
		if _, ok := errors.AsType[*FileError](err); ok && r.failed != nil {
			r.failed(err)
			r.failed = nil
		}
		begin := time.Now()
		if !b.awaitRoom(b.Len()) {
			return false
		}
		r.source.Waited(time.Since(begin))
	}
}
