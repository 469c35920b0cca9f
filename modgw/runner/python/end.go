package python

import (
	"time"

	"github.com/modgw/modgw/modgw/runner/crew"
	"github.com/modgw/modgw/modgw/wire"
)

// end tells a worker to finish what it does and end, and ends it by force when it takes too long. It returns when the
// process has ended.
func (r *Runner) end(w *worker) {
	r.roster.remove(w)
	w.event((*crew.Life).Stopped)
	if w.shared != nil {
		w.shared.endEndless()
	}
	w.say(wire.Stop, nil)
	limit := time.NewTimer(r.config.Descriptor.Timeouts.Stop)
	defer limit.Stop()
	select {
	case <-w.process.Done():
		return
	case <-limit.C:
		w.log.Warn("worker killed", "reason", "it did not end when it was told to", "after", r.config.Descriptor.Timeouts.Stop)
	case <-r.force:
		w.log.Warn("worker killed", "reason", "the time to stop was over")
	}
	if w.owesStacks() {
		abort(w)
	}
	w.process.Kill()
	<-w.process.Done()
}

// askForStacks makes the worker log the stacks of its threads.
func (w *worker) askForStacks(reason string) {
	w.mu.Lock()
	w.dumps++
	w.mu.Unlock()
	w.say(wire.Dump, []byte(reason))
}

// owesStacks reports whether the worker did not log the stacks that it was asked for: then no Python code runs in it any
// more, and only the interpreter's own handler of SIGABRT can still tell where it is stuck.
func (w *worker) owesStacks() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.dumps > 0
}
