package workers

import (
	"cmp"
	"slices"
	"time"

	"github.com/modgw/modgw/internal/proc"
	"github.com/modgw/modgw/modgw"
)

// Request names a request in log and status.
type Request struct {
	ID     string // its id, as the log has it
	Method string // its method
	Path   string // its decoded path
}

// Crashed reports whether the worker, whose connection broke, has ended because of a fault of its
// own: then none of the requests that it had may be given to another worker. It waits for a process
// that is ending, and for no other.
func (w *Worker) Crashed() bool {
	if !w.process.Ending() || w.asked.Load() {
		return false
	}
	exit := w.process.Exit()
	return exit.Crashed() || w.pool.config.CodeIsCrash && exit.Code != 0
}

// CrashedWith is Crashed for a worker that had the request, which log and status name then.
func (w *Worker) CrashedWith(r Request) bool {
	if !w.Crashed() {
		return false
	}
	exit := w.process.Exit()
	r.Method, r.Path = proc.Printable(r.Method), proc.Printable(r.Path)
	if w.pool.noteSuspect(w, exit, r) {
		w.Log.Error("worker crashed with a request", "request", r.ID, "method", r.Method, "path", r.Path, "reason", exit.String())
	}
	return true
}

// noteSuspect records that a worker has crashed with a request. It reports false if that happened
// too often.
func (p *Pool) noteSuspect(w *Worker, exit proc.Exit, r Request) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.crash == nil || p.crash.PID != w.process.PID() || p.crash.Worker != w.Number {
		p.crash = &modgw.CrashStatus{Worker: w.Number, PID: w.process.PID(), Time: time.Now(), Reason: exit.String()}
	}
	suspect := modgw.SuspectRequest{Request: r.ID, Method: r.Method, Path: cmp.Or(r.Path, "/")}
	if slices.Contains(p.crash.Requests, suspect) {
		return false // it was asked more than once why the worker ended
	}
	if len(p.crash.Requests) >= modgw.MaxSuspects {
		p.crash.More++
		return false
	}
	p.crash.Requests = append(p.crash.Requests, suspect)
	return true
}
