package workers

import (
	"time"
)

// retire lets a worker finish its requests, as long as drain allows, and ends it.
func (p *Pool) retire(w *Worker, reason string) {
	drained := w.driver.Retire()
	if !w.event((*stateMachine).retired) {
		return
	}
	w.Log.Info("worker retired", "reason", reason)
	w.endless.Move()
	defer time.AfterFunc(p.config.Runner.Descriptor.Timeouts.WebSocketDrain, w.endless.End).Stop()
	limit := time.NewTimer(p.config.Runner.Descriptor.Timeouts.Drain)
	defer limit.Stop()
	select {
	case <-drained:
	case <-limit.C:
	case <-w.process.Done():
	case <-p.halt:
	}
	p.end(w)
}

// end tells a worker to end, and kills it if it takes too long. It returns when the process has
// ended.
func (p *Pool) end(w *Worker) {
	w.driver.Retire()
	if !w.event((*stateMachine).stopped) {
		return
	}
	w.asked.Store(true)
	w.endless.End()
	if w.release() {
		return
	}
	w.driver.Stop()
	limit := time.NewTimer(p.config.Runner.Descriptor.Timeouts.Stop)
	defer limit.Stop()
	select {
	case <-w.process.Done():
		return
	case <-limit.C:
		w.Log.Warn("worker killed", "reason", "it did not end when it was told to", "after", p.config.Runner.Descriptor.Timeouts.Stop)
	case <-p.force:
		w.Log.Warn("worker killed", "reason", "the time to stop was over")
	}
	w.driver.LastWords()
	w.process.Kill()
	<-w.process.Done()
}
