package relay

import (
	"sync"
	"time"
)

// pipeSize is the number of bytes of a response that may wait for a client that is slower than the
// program.
const pipeSize = 256 << 10

// Pipe carries a program's response from the goroutine that receives it to the one that passes it
// on. Make it with [NewPipe].
type Pipe struct {
	Clock Clock // runs while Read waits for the program; then Read returns ErrOverdue

	mu    sync.Mutex
	buf   []byte // the response from start on is not read yet
	start int
	err   error // Read returns it when buf is empty; nil while the writer goes on
	cut   error // Read returns it at once; nil: the pipe was not cut
	data  chan struct{}
	room  chan struct{}
}

// NewPipe returns a pipe whose reader waits at most limit in total; 0 means forever.
func NewPipe(limit time.Duration) *Pipe {
	p := &Pipe{data: make(chan struct{}, 1), room: make(chan struct{}, 1)}
	p.Clock.Pause()
	p.Clock.Start(limit, func() { p.Cut(ErrOverdue) })
	return p
}

// Write passes b on, and waits for room. It never fails: after Cut, b is discarded.
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

// append adds b to the waiting bytes; p.mu is held.
func (p *Pipe) append(b []byte) {
	if p.start > 0 && len(p.buf)+len(b) > cap(p.buf) {
		p.buf = p.buf[:copy(p.buf, p.buf[p.start:])]
		p.start = 0
	}
	p.buf = append(p.buf, b...)
}

// End marks the end of the response: io.EOF if it is complete, else the reason.
func (p *Pipe) End(err error) {
	p.mu.Lock()
	if p.err == nil {
		p.err = err
	}
	p.mu.Unlock()
	notify(p.data)
}

// Cut makes Read return err at once, and Write discard its input. Any goroutine may call it; the
// first call counts.
func (p *Pipe) Cut(err error) {
	p.mu.Lock()
	if p.cut == nil {
		p.cut = err
	}
	p.mu.Unlock()
	notify(p.data)
	notify(p.room)
}

// Ready reports whether Read would not wait.
func (p *Pipe) Ready() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.start < len(p.buf) || p.err != nil || p.cut != nil
}

// Read implements [io.Reader].
func (p *Pipe) Read(b []byte) (int, error) {
	for {
		p.mu.Lock()
		n, err := p.take(b)
		p.mu.Unlock()
		if n > 0 {
			notify(p.room)
		}
		if n > 0 || err != nil {
			return n, err
		}
		p.Clock.Resume()
		<-p.data
		p.Clock.Pause()
	}
}

// take is the part of Read that does not wait; p.mu is held.
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

func notify(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
