package process

import (
	"sync"
	"time"
)

// stuckTime is how long a program whose last request timed out without any answer may take for the
// next one.
const stuckTime = 5 * time.Second

// pulse detects whether a program hangs. A program has no fixed number of threads, so one long
// request means nothing. But if it answers none of several for as long as a request may take, it
// hangs. Its zero value is ready to use.
type pulse struct {
	mu       sync.Mutex
	answered time.Time // when the latest answer began
	begun    int       // requests since then
	expired  bool      // the time of one of those has run out
	hung     bool
}

// begin notes that the program is given a request.
func (p *pulse) begin() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.begun++
}

// beat notes that an answer has begun. It reports whether the program was taken for one that hangs.
func (p *pulse) beat() (hung bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	hung = p.hung
	p.answered, p.begun, p.expired, p.hung = time.Now(), 0, false, false
	return hung
}

// due returns the time at which an unanswered request that began at a time shows whether the
// program hangs.
func (p *pulse) due(began time.Time, limit time.Duration) time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.expired {
		limit = min(limit, stuckTime)
	}
	return began.Add(limit)
}

// expire notes that a request which began then got no answer in its time. It reports whether the
// program hangs, once.
func (p *pulse) expire(began time.Time) (hangs bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.answered.After(began) || p.hung {
		return false
	}
	p.expired = true
	p.hung = p.begun > 1
	return p.hung
}

// watchOver replaces a worker whose program hangs, which is detected by an unanswered request. The
// request's time continues if its client has gone.
func (w *worker) watchOver(request string, began time.Time, limit time.Duration) {
	w.runner.Background(func() {
		timer := time.NewTimer(time.Until(w.pulse.due(began, limit)))
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-w.Done():
			return
		case <-w.runner.Halted():
			return
		}
		if w.pulse.expire(began) {
			w.runner.queue.Pause(w.member)
			w.Want("it has answered no request since request \"" + request + "\" began, which took longer than " + limit.String())
		}
	})
}

// answers notes that the program has begun an answer.
func (w *worker) answers() {
	if w.pulse.beat() {
		w.runner.queue.Resume(w.member)
	}
}
