package python

import (
	"context"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/runner/queue"
)

// seats gives each request a seat at an ASGI worker, and each WebSocket one of others, so that WebSockets that are open for
// long leave those of requests free.
type seats struct {
	requests, sockets *queue.Queue
}

func newSeats(limits modgw.Queue) *seats {
	return &seats{requests: queue.New(limits), sockets: queue.NewBrief(limits)}
}

// places are the seats at one worker.
type places struct{ requests, sockets *queue.Member }

// newPlaces makes the seats at a worker.
func (p program) newPlaces(w *worker) places {
	return places{
		requests: &queue.Member{Places: p.seats, Value: w},
		sockets:  &queue.Member{Places: p.sockets, Value: w},
	}
}

// acquire returns a worker with a seat for a stream that is the caller's until release. The error is one of the queue's, or
// ctx's.
func (s *seats) acquire(ctx context.Context, kind streamKind) (*worker, error) {
	q := s.requests
	if kind == webSocketStream {
		q = s.sockets
	}
	m, err := q.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	w := m.Value.(*worker)
	w.Began()
	return w, nil
}

// release gives a seat back.
func (s *seats) release(w *worker, kind streamKind) {
	if kind == webSocketStream {
		s.sockets.Release(w.places.sockets)
	} else {
		s.requests.Release(w.places.requests)
	}
}

// pause gives a worker no more requests until resume.
func (s *seats) pause(w *worker) {
	s.requests.Pause(w.places.requests)
	s.sockets.Pause(w.places.sockets)
}

// resume ends what pause began.
func (s *seats) resume(w *worker) {
	s.requests.Resume(w.places.requests)
	s.sockets.Resume(w.places.sockets)
}

// add implements [roster].
func (s *seats) add(w *worker) {
	s.requests.Add(w.places.requests)
	s.sockets.Add(w.places.sockets)
}

// remove implements [roster].
func (s *seats) remove(w *worker) {
	s.requests.Remove(w.places.requests)
	s.sockets.Remove(w.places.sockets)
}

// bury implements [roster]. What a dead worker has sent may still have to be read, for which there is not much time:
// processes that it left behind may hold the other end of the connection open.
func (s *seats) bury(w *worker) (idle []*lane) {
	s.remove(w)
	w.shared.hurry()
	return nil
}

// drained implements [roster].
func (s *seats) drained(w *worker) <-chan struct{} {
	requests, sockets := s.requests.Remove(w.places.requests), s.sockets.Remove(w.places.sockets)
	both := make(chan struct{})
	// When the app is stopped nobody waits for it.
	w.runner.Background(func() {
		defer close(both)
		<-requests
		<-sockets
	})
	return both
}

// hope implements [roster].
func (s *seats) hope(n int) {
	s.requests.Expect(n)
	s.sockets.Expect(n)
}

// close implements [roster].
func (s *seats) close() {
	s.requests.Close()
	s.sockets.Close()
}

// counts implements [roster].
func (s *seats) counts() (busy, queued int) {
	busy, _, queued = s.requests.Counts()
	open, _, waiting := s.sockets.Counts()
	return busy + open, queued + waiting
}
