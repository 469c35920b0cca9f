package python

import (
	"github.com/modgw/modgw/modgw/listen"
	"github.com/modgw/modgw/modgw/wire"
)

// openDirect is open for a request that is served on the loop. The frame is written at the end of the loop's turn, with those of
// other requests. After an error the stream has left already.
func (l *lane) openDirect(d *direct, body []byte) error {
	s := &d.stream
	l.adopt(s, body)
	var refused error
	err := l.out.Append(func(b []byte) []byte {
		if refused = l.register(s); refused != nil {
			return b
		}
		return wire.AppendRequest(b, s.id, wire.FlagEnd, d.head, body)
	})
	if err == nil {
		err = refused
	}
	if err != nil {
		s.leave()
		return err
	}
	if len(l.unflushed) == 0 {
		l.worker.runner.config.Loop.FlushLater(l)
	}
	d.queued = true
	l.unflushed = append(l.unflushed, d)
	return nil
}

// Flush implements [eventloop.Flusher].
func (l *lane) Flush() {
	defer l.contain()
	left, err := l.out.Flush()
	if left && !l.worker.runner.Background(l.out.Drain) {
		go l.out.Drain() // it ends when the lane is closed, which is soon
	}
	for i, d := range l.unflushed {
		l.unflushed[i] = nil
		d.queued = false
		if err != nil && d.stream.direct != nil {
			d.unsent = true
			d.detach(err)
		}
	}
	l.unflushed = l.unflushed[:0]
}

// arrived reads what has come for requests that are served on the loop. It reports whether the loop reads the lane at all.
func (l *lane) arrived() bool {
	defer l.contain()
	if l.firstDirect() == nil {
		return false
	}
	l.readDirect()
	return true
}

// attend sees to requests on the loop that have become the first of the lane, or must not wait any longer.
func (l *lane) attend() {
	defer l.contain()
	l.mu.Lock()
	l.attends = false
	var unwanted []*direct
	for _, s := range l.order {
		if s.direct != nil && (s.returned || s.late) {
			unwanted = append(unwanted, s.direct)
		}
	}
	l.mu.Unlock()
	for _, d := range unwanted {
		d.detach(nil)
	}
	l.readDirect()
}

// readDirect reads as long as the first stream is served on the loop and there is something to read.
func (l *lane) readDirect() {
	for {
		d := l.firstDirect()
		if d == nil {
			return
		}
		f, ok, err := l.in.Buffered()
		if !ok && err == nil {
			if ok, err = l.in.TryFill(); !ok && err == nil {
				return
			}
			if err == nil {
				continue
			}
		}
		if err != nil {
			l.fail(err)
			d.detach(err)
			continue
		}
		d.take(f)
	}
}

// contain ends the worker, and nothing else, when the code for its lane panics.
func (l *lane) contain() {
	value := recover()
	if value == nil {
		return
	}
	listen.LogPanic(value, nil, l.worker.Log)
	err := wire.Errorf("the code for its lane panicked: %v", value)
	l.fail(err)
	if d := l.firstDirect(); d != nil {
		d.detach(err)
	}
}

// firstDirect is the request of the first stream, if it is served on the loop.
func (l *lane) firstDirect() *direct {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.order) == 0 {
		return nil
	}
	return l.order[0].direct
}
