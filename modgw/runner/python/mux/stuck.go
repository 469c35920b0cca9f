package mux

import "time"

// watchStuck replaces the worker, and logs its stacks, if it does not end a request that was
// cancelled. It does so early if the loop is known to be blocked when the request's time is up.
func (s *Stream) watchStuck() {
	deadline := s.deadline.get()
	overdue := !deadline.IsZero() && !time.Now().Before(deadline)
	if overdue && s.conn.isBlocked() {
		s.replaceWorker()
		return
	}
	pool := s.conn.server.app.Pool
	pool.Background(func() {
		limit := time.NewTimer(stuckTime)
		defer limit.Stop()
		check := time.NewTicker(loopTick)
		defer check.Stop()
		for waiting := true; waiting && !s.isOver() && !(overdue && s.conn.isBlocked()); {
			select {
			case <-check.C:
			case <-limit.C:
				waiting = false
			case <-s.conn.worker.Done():
				return
			case <-pool.Halted():
				return
			}
		}
		if !s.isOver() {
			s.replaceWorker()
		}
	})
}

func (s *Stream) replaceWorker() {
	s.conn.worker.Overdue(s.request.ID, s.conn.server.app.Descriptor.Timeouts.Request)
}

// isOver reports whether the worker has closed the stream, or its connection has ended.
func (s *Stream) isOver() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.progress == closed || s.err != nil
}
