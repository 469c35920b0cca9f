package wsgi

import "math"

// free is the connection to take next; nil: none has room.
func (s *scheduler) free(t *ticket) (found *Conn) {
	share := !t.alone && s.behind < s.queue.Max
	wait := s.queued() < s.queue.Max
	busy := math.MaxInt
	for _, w := range s.workers {
		if w.silent || w.busy >= busy {
			continue
		}
		spread := s.parallel || w.holdsInterpreter()
		c := w.freeConn(share && !spread, wait && !spread)
		if c == nil && spread {
			c = w.freeConn(share, false)
		}
		if c != nil {
			found, busy = c, w.busy
		}
	}
	return found
}

// holdsInterpreter reports whether a thread of the worker computes for long without releasing the
// interpreter. Each further request on another thread would slow it, because the threads then take
// turns.
func (w *Worker) holdsInterpreter() bool {
	for _, c := range w.Conns {
		if c.load > 0 && c.stall.Load() == computed {
			return true
		}
	}
	return false
}

// freeConn is the connection for a request, which may share one with others, and may wait for one;
// nil: there is none. Where threads compute it is one of theirs if the request may share it, and
// otherwise none: another thread would only take the interpreter from them. A request that may not
// share one gets a second one, so that a thread computes while an answer is on its way.
func (w *Worker) freeConn(share, wait bool) (free *Conn) {
	computing, most := 0, 2
	for _, c := range w.Conns {
		if c.away {
			continue
		}
		room := c.load == 0 || share && c.hasRoom()
		if c.isComputing() {
			if room {
				return c
			}
			if computing++; share && !c.alone {
				most = 1
			}
		}
		if free == nil && room {
			free = c
		}
	}
	if wait && computing >= most {
		return nil
	}
	return free
}
