package exchange

import (
	"sync"
	"time"
)

// pipeSize is how much of a response may wait for a client that is slower than the program.
const pipeSize = 256 << 10

// Pipe carries a program's response from the goroutine that receives it to the one that passes it on, and counts the time
// that the latter waits for the program. Make it with [NewPipe].
type Pipe struct {
	mu      sync.Mutex
	buf     []byte // of which start is not read yet
	start   int
	err     error // what Read returns when buf is empty: the writer has ended
	cut     error // what Read returns at once
	data    chan struct{}
	room    chan struct{}
	left    time.Duration // that may be waited for the program
	bounded bool
}

// NewPipe makes a pipe whose reader waits at most so long in all; 0: for ever.
func NewPipe(limit time.Duration) *Pipe {
	return &Pipe{data: make(chan struct{}, 1), room: make(chan struct{}, 1), left: limit, bounded: limit > 0}
}

// Write passes p on, and waits for room. It never fails: when nobody reads any more, p is thrown away.
func (p *Pipe) Write(b []byte) (int, error) {
	for {
		p.mu.Lock()
		if p.cut != nil {
			p.mu.Unlock()
			return len(b), nil
		}
		waiting := len(p.buf) - p.start
		if waiting == 0 || waiting+len(b) <= pipeSize {
			p.append(b)
			p.mu.Unlock()
			notify(p.data)
			return len(b), nil
		}
		p.mu.Unlock()
		<-p.room
	}
}

// append adds to what waits; p.mu is held.
func (p *Pipe) append(b []byte) {
	if p.start > 0 && len(p.buf)+len(b) > cap(p.buf) {
		p.buf = p.buf[:copy(p.buf, p.buf[p.start:])]
		p.start = 0
	}
	p.buf = append(p.buf, b...)
}

// End says that nothing more comes: io.EOF when the response is complete, else why it is not.
func (p *Pipe) End(err error) {
	p.mu.Lock()
	if p.err == nil {
		p.err = err
	}
	p.mu.Unlock()
	notify(p.data)
}

// Cut makes Read return err at once, and Write throw away what comes. Any goroutine may call it; the first one wins.
func (p *Pipe) Cut(err error) {
	p.mu.Lock()
	if p.cut == nil {
		p.cut = err
	}
	p.mu.Unlock()
	notify(p.data)
	notify(p.room)
}

// Unbound lets the reader wait for ever.
func (p *Pipe) Unbound() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.bounded = false
}

// Ready reports whether Read would not wait.
func (p *Pipe) Ready() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.start < len(p.buf) || p.err != nil || p.cut != nil
}

// Ended reports whether the writer has ended; what it wrote may not be read yet.
func (p *Pipe) Ended() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err != nil
}

// Read implements [io.Reader]. It is [ErrOverdue] when the time is up.
func (p *Pipe) Read(b []byte) (int, error) {
	for {
		p.mu.Lock()
		n, err := p.take(b)
		limit, bounded := p.left, p.bounded
		p.mu.Unlock()
		switch {
		case n > 0:
			notify(p.room)
			return n, nil
		case err != nil:
			return 0, err
		case bounded && limit <= 0:
			return 0, ErrOverdue
		}
		p.await(limit, bounded)
	}
}

// take is what Read returns when it need not wait; p.mu is held.
func (p *Pipe) take(b []byte) (int, error) {
	if p.cut != nil {
		return 0, p.cut
	}
	if p.start == len(p.buf) {
		return 0, p.err
	}
	n := copy(b, p.buf[p.start:])
	if p.start += n; p.start == len(p.buf) {
		p.buf, p.start = p.buf[:0], 0
	}
	return n, nil
}

// await waits for news, and counts the time.
func (p *Pipe) await(limit time.Duration, bounded bool) {
	if !bounded {
		<-p.data
		return
	}
	begin := time.Now()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-p.data:
	case <-timer.C:
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.left -= time.Since(begin)
}

func notify(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
