package listen

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Conns are the connections of a front, each a C. The settings and the funcs are set before the
// first one comes; none of the funcs may be nil.
type Conns[C comparable] struct {
	Door         Door          // decides who may connect, and limits their number; it needs a Log
	DrainTimeout time.Duration // bounds requests in flight after ctx is done; 0: they are cut off

	// Open wraps an accepted connection. It must not block. base is never done: requests are ended
	// by their client or by the drain.
	Open  func(base context.Context, rwc net.Conn) C
	Serve func(C) // returns when the connection has ended and no handler of it runs
	// Begin, unless nil, has a connection served elsewhere, and calls ended when the connection has
	// ended. If it returns false Serve is called.
	Begin func(c C, ended func()) bool
	// Ending, unless nil, is called when no more connections come, before the open ones are left or
	// drained. They are cut when limit is done. It must not block.
	Ending func(limit context.Context, h *Handover)
	// Leave, unless nil, has a connection passed to another process as soon as it waits for a
	// request. If it returns false Drain is called.
	Leave func(C, *Handover) bool
	Drain func(C) // makes Serve return as soon as no request is in flight; it must not block
	Cut   func(C) // makes Serve return at once; it must not block

	handover atomic.Pointer[Handover] // nil: connections end with Run
	gate     Gate                     // for connections that another process has passed

	mu    sync.Mutex
	conns map[C]struct{}
	group sync.WaitGroup // waits for all conns
}

// Run accepts connections from ln and serves them until ctx is done. Then it closes ln, drains the
// connections within the drain timeout, or leaves them after [Conns.SetHandover], and returns nil
// when none is left. It may be called once; an error means that ln has failed.
func (s *Conns[C]) Run(ctx context.Context, ln net.Listener) error {
	base := context.WithoutCancel(ctx)
	err := s.Door.Accept(ctx, ln, func(rwc net.Conn, left func()) { s.Start(base, rwc, left) })
	s.drain()
	return err
}

// Start serves a connection that was accepted, and calls left when it has ended.
func (s *Conns[C]) Start(base context.Context, rwc net.Conn, left func()) {
	s.startOpen(s.Open(base, rwc), rwc, left)
}

// Adopt serves a connection that another process has passed, unless Run drains: it closes it then.
// open makes it of rwc, as Open does.
func (s *Conns[C]) Adopt(rwc net.Conn, open func() C) {
	if !s.gate.Enter(func() { s.startOpen(open(), rwc, func() {}) }) {
		rwc.Close()
	}
}

// startOpen is Start for a connection that was made of rwc already.
func (s *Conns[C]) startOpen(c C, rwc net.Conn, left func()) {
	s.mu.Lock()
	if s.conns == nil {
		s.conns = make(map[C]struct{})
	}
	s.conns[c] = struct{}{}
	s.mu.Unlock()
	s.group.Add(1)
	ended := func() {
		left()
		s.Forget(c)
	}
	if s.Begin != nil && s.Begin(c, ended) {
		return
	}
	go func() {
		defer ended()
		s.serve(c, rwc)
	}()
}

// serve is Serve that ends the connection and nothing else when its code panics.
func (s *Conns[C]) serve(c C, rwc net.Conn) {
	defer Contain(rwc, s.Door.Log)
	s.Serve(c)
}

// Forget excludes a connection from the drain, because its handler has passed it on to an owner
// that ends it. Its place at the door is taken until then.
func (s *Conns[C]) Forget(c C) {
	s.mu.Lock()
	_, known := s.conns[c]
	delete(s.conns, c)
	s.mu.Unlock()
	if known {
		s.group.Done()
	}
}

// Wait returns when no connection is left.
func (s *Conns[C]) Wait() { s.group.Wait() }

// SetHandover has connections passed to another process, instead of ended, when the ctx of Run is
// done.
func (s *Conns[C]) SetHandover(h Handover) { s.handover.Store(&h) }

// drain waits until all connections have ended, and ends them by force when it has waited long
// enough.
func (s *Conns[C]) drain() {
	s.gate.Close()
	h := s.handover.Load()
	limit, stop := h.Limit(s.DrainTimeout)
	defer stop()
	if s.Ending != nil {
		s.Ending(limit, h)
	}
	s.Each(func(c C) {
		if h == nil || s.Leave == nil || !s.Leave(c, h) {
			s.Drain(c)
		}
	})
	ended := make(chan struct{})
	go func() {
		s.group.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return
	case <-limit.Done():
		s.Door.Log.Warn("requests cut off", "after", s.DrainTimeout)
		s.Each(s.Cut)
		<-ended
	}
}

// Each calls f for every connection. No connection is added or removed meanwhile.
func (s *Conns[C]) Each(f func(C)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		f(c)
	}
}
