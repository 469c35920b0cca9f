package eventloop

import (
	"os"

	"golang.org/x/sys/unix"
)

// Events are the events on a source since the last call of its handler.
type Events uint32

// Readable reports whether there may be something to read, the end included.
func (e Events) Readable() bool {
	return e&(unix.EPOLLIN|unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0
}

// Writable reports whether there may be room to write.
func (e Events) Writable() bool { return e&(unix.EPOLLOUT|unix.EPOLLHUP|unix.EPOLLERR) != 0 }

// Ended reports whether the peer has ended its sending side, or is gone.
func (e Events) Ended() bool { return e&(unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0 }

// HungUp reports whether nothing can be sent or read any more.
func (e Events) HungUp() bool { return e&(unix.EPOLLHUP|unix.EPOLLERR) != 0 }

// Handler receives events, on the loop.
type Handler interface {
	// Ready is called once for a set of events: it must read until no data is left, or remember
	// that there may be more.
	Ready(Events)
}

// Source is a descriptor that a loop listens to. The zero value is not added to a loop; a source
// can be added again after it was removed.
type Source struct {
	loop       *Loop // nil: it was not added
	fd         int
	slot       int32
	generation int32
	handler    Handler
}

// The default events of a source. Room to write is not included: a peer that reads would wake the
// loop each time, although most sockets do not wait for room.
const usualEvents = unix.EPOLLIN | unix.EPOLLRDHUP | unix.EPOLLET

// Add calls a handler for the events of a descriptor, including those that have already occurred.
func (l *Loop) Add(s *Source, fd int, h Handler) error { return l.add(s, fd, h, usualEvents) }

// AddEnd calls a handler only when the peer has shut down its sending side or is gone.
func (l *Loop) AddEnd(s *Source, fd int, h Handler) error {
	return l.add(s, fd, h, unix.EPOLLRDHUP|unix.EPOLLET)
}

func (l *Loop) add(s *Source, fd int, h Handler, events uint32) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	s.loop, s.fd, s.handler = l, fd, h
	l.generation++
	s.generation = l.generation
	if n := len(l.free); n > 0 {
		s.slot, l.free = l.free[n-1], l.free[:n-1]
	} else {
		s.slot = int32(len(l.sources))
		l.sources = append(l.sources, nil)
	}
	if err := s.control(unix.EPOLL_CTL_ADD, events); err != nil {
		l.free = append(l.free, s.slot)
		s.loop = nil
		return err
	}
	l.sources[s.slot] = s
	return nil
}

// Remove stops calls to the handler, except a call that is in progress. The descriptor must not
// have been closed. Remove has no effect on a source that was not added.
func (s *Source) Remove() {
	s.end(true)
}

// Forget is like Remove, but for a descriptor that was closed, or is about to be: closing the last
// descriptor of a socket removes it from the loop.
func (s *Source) Forget() { s.end(false) }

func (s *Source) end(isOpen bool) {
	l := s.loop
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if isOpen {
		_ = s.control(unix.EPOLL_CTL_DEL, 0) // it fails only if the loop is closed
	}
	s.loop = nil
	l.sources[s.slot] = nil
	l.free = append(l.free, s.slot)
}

// IsAdded reports whether a loop listens to the source.
func (s *Source) IsAdded() bool { return s.loop != nil }

// AwaitRoom makes the loop call the handler, once or more, when there is room to write, until
// StopAwaitingRoom. The source must have been added.
func (s *Source) AwaitRoom() error { return s.modify(usualEvents | unix.EPOLLOUT) }

// StopAwaitingRoom ends AwaitRoom.
func (s *Source) StopAwaitingRoom() { _ = s.modify(usualEvents) }

// modify changes the events of the source. A loop that closes meanwhile is not touched any more.
func (s *Source) modify(events uint32) error {
	s.loop.mu.Lock()
	defer s.loop.mu.Unlock()
	return s.control(unix.EPOLL_CTL_MOD, events)
}

// control needs the loop's mutex.
func (s *Source) control(op int, events uint32) error {
	event := unix.EpollEvent{Events: events, Fd: s.slot, Pad: s.generation}
	return os.NewSyscallError("epoll_ctl", unix.EpollCtl(s.loop.epoll, op, s.fd, &event))
}
