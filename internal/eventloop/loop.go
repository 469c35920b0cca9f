package eventloop

import (
	"fmt"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/modgw/modgw/internal/monotonic"
	"github.com/modgw/modgw/internal/rawsocket"
)

// mostEvents is the maximum number of events in one turn.
const mostEvents = 128

// napTime is the length of a nap, in milliseconds; see [Loop.TakeNaps].
const napTime = 2

// Loop calls handlers on its own goroutine. Unless noted otherwise, methods may be called from any
// goroutine.
type Loop struct {
	epoll int
	wake  int // an eventfd
	ended chan struct{}

	mu       sync.Mutex
	sources  []*Source // by slot; nil: free
	free     []int32   // slots
	posted   []func()
	sleeping bool // or about to sleep: a post writes to wake
	closing  bool

	generation int32 // the newest source has it: an event with an older one is stale

	// These belong to the loop's goroutine.
	events  [mostEvents]unix.EpollEvent
	running []func() // spare memory for posted functions
	timers  timers
	flushes []Flusher
	time    time.Time // zero: Time was not called in this turn
	naps    napState
}

// napState is the state of the loop's naps.
type napState uint8

const (
	never  napState = iota
	seldom          // it may, but waits for longer than a nap lasts
	often
)

// Flusher has work for the end of a turn.
type Flusher interface{ Flush() }

// New starts a loop. The caller must call Close.
func New() (*Loop, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("cannot make an event loop: %w", err)
	}
	wake, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		unix.Close(epoll)
		return nil, fmt.Errorf("cannot make an event loop: %w", err)
	}
	l := &Loop{epoll: epoll, wake: wake, ended: make(chan struct{})}
	event := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLET, Fd: -1}
	if err := unix.EpollCtl(epoll, unix.EPOLL_CTL_ADD, wake, &event); err != nil {
		l.release()
		return nil, fmt.Errorf("cannot make an event loop: %w", err)
	}
	go l.run()
	return l, nil
}

// Close ends the loop after the events that are due and the posted functions, and waits for its
// end. The remaining sockets and sources get no more events.
func (l *Loop) Close() {
	l.mu.Lock()
	l.closing = true
	l.wakeLocked()
	l.mu.Unlock()
	<-l.ended
}

// TakeNaps allows the loop to wait for a moment before it lets Go's scheduler know that it waits,
// as long as events arrive within such moments. Otherwise the scheduler would take the loop's
// processor away, and wake its monitor and other threads at the next event; with an event every
// millisecond, that costs more than handling the events. A garbage collection interrupts a nap, and
// an idle loop takes none. During naps the loop keeps one of Go's processors from goroutines, so
// the program should have one more (GOMAXPROCS).
func (l *Loop) TakeNaps() { l.Post(func() { l.naps = seldom }) }

// Post calls f on the loop, after all functions posted before. After Close, f is not called.
func (l *Loop) Post(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.posted = append(l.posted, f)
	l.wakeLocked()
}

// FlushLater flushes f at the end of this turn, once for each call. Only the loop may call it.
func (l *Loop) FlushLater(f Flusher) { l.flushes = append(l.flushes, f) }

func (l *Loop) wakeLocked() {
	if l.sleeping {
		l.sleeping = false
		one := [8]byte{1}
		// it fails only when the counter is full, and then the loop wakes up anyway
		_, _ = unix.Write(l.wake, one[:])
	}
}

// run is not locked to a thread. Go's scheduler interrupts each goroutine that has run for 10 ms,
// including naps, and a locked goroutine resumes only after two switches of threads.
func (l *Loop) run() {
	defer close(l.ended)
	defer l.release()
	for {
		n, last := l.poll()
		l.time = time.Time{}
		for i := range n {
			l.dispatch(&l.events[i])
		}
		if len(l.timers) > 0 {
			l.timers.expire(l.Now())
		}
		l.runPosted()
		l.flush()
		if last {
			return
		}
	}
}

// poll returns the number of events. It waits only if there is no other work. last reports whether
// the loop is closing: it has the events from before then, and ends with this turn.
func (l *Loop) poll() (n int, last bool) {
	timeout := l.timers.untilNext(monotonic.Now)
	l.mu.Lock()
	last = l.closing
	if len(l.posted) > 0 || last {
		timeout = 0
	}
	l.sleeping = timeout != 0
	l.mu.Unlock()
	n = l.wait(timeout)
	if timeout != 0 {
		l.mu.Lock()
		l.sleeping = false
		l.mu.Unlock()
	}
	return max(0, n), last
}

// wait waits for events, for at most timeout milliseconds; -1: for ever. It can be interrupted.
func (l *Loop) wait(timeout int) (n int) {
	nap := 0
	if l.naps == often {
		nap = napTime
	}
	if timeout >= 0 {
		nap = min(nap, timeout)
	}
	n, err := rawsocket.Poll(l.epoll, l.events[:], nap)
	if n > 0 || err != nil || nap == timeout {
		return n
	}
	if nap > 0 {
		l.naps = seldom
	}
	if timeout > 0 {
		timeout -= nap
	}
	began := monotonic.Now()
	n, _ = unix.EpollWait(l.epoll, l.events[:], timeout)
	if l.naps == seldom && n > 0 && monotonic.Now()-began < napTime*time.Millisecond {
		l.naps = often
	}
	return n
}

// dispatch calls the handler of an event, unless its source was removed meanwhile.
func (l *Loop) dispatch(e *unix.EpollEvent) {
	if e.Fd < 0 {
		return // something was posted
	}
	l.mu.Lock()
	s := l.sources[e.Fd]
	if s == nil || s.generation != e.Pad {
		l.mu.Unlock()
		return
	}
	h := s.handler
	l.mu.Unlock()
	h.Ready(Events(e.Events))
}

// runPosted calls the posted functions.
func (l *Loop) runPosted() {
	l.mu.Lock()
	functions := l.posted
	l.posted = l.running[:0]
	l.mu.Unlock()
	for _, f := range functions {
		f()
	}
	clear(functions)
	l.running = functions
}

func (l *Loop) flush() {
	for len(l.flushes) > 0 {
		flushes := l.flushes
		l.flushes = nil
		for _, f := range flushes {
			f.Flush()
		}
		if l.flushes == nil {
			clear(flushes)
			l.flushes = flushes[:0]
			return
		}
	}
}

func (l *Loop) release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	unix.Close(l.wake)
	unix.Close(l.epoll)
	l.epoll = -1
}

// Time returns the approximate time at which this turn began: reading the clock once is sufficient
// for all events of the turn. Only the loop may call it.
func (l *Loop) Time() time.Time {
	if l.time.IsZero() {
		l.time = time.Now()
	}
	return l.time
}

// Now returns Time according to the clock of the loop's timers.
func (l *Loop) Now() time.Duration { return monotonic.Of(l.Time()) }
