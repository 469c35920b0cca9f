package python

import "github.com/modgw/modgw/modgw/wire"

// Retire implements [workers.Program].
func (w *worker) Retire() <-chan struct{} {
	w.runner.roster.remove(w)
	return w.runner.roster.drained(w)
}

// Stop implements [workers.Program]: the worker finishes what it does, and ends.
func (w *worker) Stop() {
	if w.guest != nil {
		<-w.runner.attached.closed // it must not attach here again
	}
	w.say(wire.Stop, nil)
}

// LastWords implements [workers.Program].
func (w *worker) LastWords() {
	if w.owesStacks() {
		w.abort()
	}
}

// End implements [workers.Program].
func (w *worker) End() {
	w.lose()
	w.hearOut()
	w.control.Close()
	for _, l := range w.runner.roster.bury(w) {
		l.close()
	}
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
