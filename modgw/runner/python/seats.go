package python

import (
	"context"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/runner/queue"
)

// seats gives each request a seat at an ASGI worker.
type seats struct {
	queue     *queue.Queue
	limits    modgw.Queue
	perWorker int
}

func newSeats(limits modgw.Queue, perWorker int) *seats {
	return &seats{queue: queue.New(limits), limits: limits, perWorker: perWorker}
}

// acquire returns a worker with a seat that is the caller's until release. The error is one of the queue's, or ctx's.
func (s *seats) acquire(ctx context.Context) (*worker, error) {
	m, err := s.queue.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	w := m.Value.(*worker)
	w.Began()
	return w, nil
}

// release gives a seat back.
func (s *seats) release(w *worker) { s.queue.Release(w.seats) }

// pause gives a worker no more requests until resume.
func (s *seats) pause(w *worker) { s.queue.Pause(w.seats) }

// resume ends what pause began.
func (s *seats) resume(w *worker) { s.queue.Resume(w.seats) }

// add implements [roster].
func (s *seats) add(w *worker) { s.queue.Add(w.seats) }

// remove implements [roster].
func (s *seats) remove(w *worker) { s.queue.Remove(w.seats) }

// bury implements [roster]. What a dead worker has sent may still have to be read, for which there is not much time:
// processes that it left behind may hold the other end of the connection open.
func (s *seats) bury(w *worker) (idle []*lane) {
	s.queue.Remove(w.seats)
	w.shared.hurry()
	return nil
}

// drained implements [roster].
func (s *seats) drained(w *worker) <-chan struct{} { return s.queue.Remove(w.seats) }

// hope implements [roster].
func (s *seats) hope(n int) { s.queue.Hope(n) }

// close implements [roster].
func (s *seats) close() { s.queue.Close() }

// counts implements [roster].
func (s *seats) counts() (busy, queued int) {
	busy, _, queued = s.queue.Counts()
	return busy, queued
}
