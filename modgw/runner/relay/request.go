package relay

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/modgw/modgw/internal/monotonic"
	"github.com/modgw/modgw/internal/proc"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/runner/workers"
	"github.com/modgw/modgw/modgw/spool"
)

// maxTries is the largest number of workers to which a request is given.
const maxTries = 3

// Request is one request on its way through a runner, and its response.
type Request struct {
	W      http.ResponseWriter // takes the response
	R      *http.Request       // came from the gateway
	Info   *modgw.RequestInfo  // belongs to R
	Config *modgw.RunnerConfig // configures the runner
	Area   *spool.Area         // keeps the body where workers can read it; nil: nothing does

	Body   *Body           // nil until it was opened
	Worker *workers.Worker // has the request, or had it last; nil: it is not the runner's own
	Log    *slog.Logger    // takes records while there is no worker

	tries int
	state state
	last  atomic.Int64 // when the program had sent all of its response, as monotonic.Now has it
}

// state is the progress of the answer to a request.
type state int

const (
	unanswered state = iota
	answering        // the head of a response was sent
	answered         // by the host
)

// New makes the request of a runner with a configuration.
func New(w http.ResponseWriter, r *http.Request, c *modgw.RunnerConfig) *Request {
	return &Request{W: w, R: r, Info: modgw.RequestInfoOf(r), Config: c, Log: c.Log}
}

// IsSafe reports whether the request may be executed twice.
func (r *Request) IsSafe() bool { return IsSafe(r.R.Method) }

// IsSafe reports whether a request with a method may be executed twice (RFC 9110, 9.2.1).
func IsSafe(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return true
	}
	return false
}

// Tried counts an attempt to have the request executed by a worker; nil is a program of someone
// else's.
func (r *Request) Tried(w *workers.Worker) {
	if r.tries > 0 || r.Info.Given.IsZero() { // else it was given on the loop
		number, pid := 0, 0
		if w != nil {
			number, pid = w.Number, w.PID()
		}
		r.Info.Give(number, pid, time.Now())
	}
	r.tries++
	r.Worker = w
}

// IsNew reports whether no worker was given the request.
func (r *Request) IsNew() bool { return r.tries == 0 }

// LastTry lets no other worker have the request.
func (r *Request) LastTry() { r.tries = maxTries }

// IsBegun reports whether the head of a response was sent.
func (r *Request) IsBegun() bool { return r.state == answering }

// Begin notes that the head of a response is sent, and completes it.
func (r *Request) Begin(header http.Header) {
	r.Body.announce(header)
	r.state = answering
}

// NoteLast notes that the program has sent all of its response, of which the client may still have
// to take something. Any goroutine may call it.
func (r *Request) NoteLast() { r.last.CompareAndSwap(0, int64(monotonic.Now())) }

// sentAll returns the time between the completion of the request's head and the program's last byte
// of the response; 0: it has not ended.
func (r *Request) sentAll() time.Duration {
	last := time.Duration(r.last.Load())
	if last == 0 {
		return 0
	}
	return time.Since(r.Info.Received) - (monotonic.Now() - last)
}

// NotKept logs that a response waits for its client because there is no file to keep it in.
func (r *Request) NotKept(err error) {
	r.log().Warn("response not kept for a slow client", "request", r.Info.ID, "reason", err)
}

// OnReplaced is [workers.Worker.OnReplaced] of the worker that has the request. If there is no
// worker, only the generation can be replaced.
func (r *Request) OnReplaced(move, end func()) (cancel func()) {
	if r.Worker != nil {
		return r.Worker.OnReplaced(r.Info, move, end)
	}
	return r.Info.OnReplaced(move, end)
}

// Again reports whether to give the request to another worker, because of the error with which this
// one has ended it, and logs that. A request with which the worker has crashed is named.
func (r *Request) Again(o Outcome, err error) bool {
	may, level := false, slog.LevelInfo
	switch rules[o].retry {
	case retryIfSafe:
		may = !r.Crashed() && r.IsSafe() && r.tries == 1
	case retryAlways:
		may = r.tries < maxTries
	case retryForFree:
		r.tries--
		may, level = true, slog.LevelDebug // it happens often
	}
	if !may || r.state != unanswered || !r.Body.repeatable() {
		return false
	}
	r.log().Log(context.Background(), level, "request given to another worker", "request", r.Info.ID, "reason", err)
	return true
}

// Crashed reports whether the worker that has the request has crashed with it. Log and status name
// the request then.
func (r *Request) Crashed() bool {
	return r.Worker != nil && r.Worker.CrashedWith(r.Name())
}

// Name returns the name of the request in log and status.
func (r *Request) Name() workers.Request {
	return workers.Request{ID: r.Info.ID, Method: r.R.Method, Path: r.Info.Path}
}

func (r *Request) log() *slog.Logger {
	if r.Worker != nil {
		return r.Worker.Log
	}
	return r.Log
}

// Conclude logs the outcome of the request, see [OutcomeOf], and answers it if it was not answered.
// It panics with [http.ErrAbortHandler] when the response was begun and is not complete, and when
// the client has gone.
func (r *Request) Conclude(err error) {
	r.Info.Complete(r.sentAll(), r.Body.size())
	switch outcome := OutcomeOf(err); outcome {
	case Complete:
	case Replaced: // an end that the client can see, after which it connects again
		r.log().Debug("event stream ended", "request", r.Info.ID, "reason", err)
	case ClientGone:
		r.log().Debug("request abandoned", "request", r.Info.ID, "reason", err)
		r.Info.Fail(modgw.ClientGone)
		panic(http.ErrAbortHandler)
	case QueueFull, QueueTimeout, NoWorker, Stopping:
		r.Worker = nil // which has it no longer
		r.fail(Unplaced(err, r.Config.Descriptor.Queue))
	default:
		r.fail(r.failure(outcome, err))
	}
}

// failure is the answer to the request.
func (r *Request) failure(o Outcome, err error) *Failure {
	if failure, ok := errors.AsType[*Failure](err); ok {
		return failure
	}
	switch {
	case o == Overdue:
		return o.Failure(nil, r.Config.Descriptor.Timeouts.Request)
	case r.Worker != nil:
		return o.Failure(nil, r.Worker.Why())
	}
	return o.Failure(nil, err)
}

// fail logs a failure and answers with it, or cuts the response off when its head was sent.
func (r *Request) fail(f *Failure) {
	log := r.log()
	if trace := r.Info.TraceID(r.R); trace != "" {
		log = log.With("trace", trace)
	}
	log.Log(context.Background(), f.level(), "request failed", "request", r.Info.ID, "method", r.R.Method,
		"path", proc.Printable(r.Info.Path), "status", f.Status, "cut_off", r.state == answering, "code", f.Fault.Code,
		"error", proc.Printable(f.Fault.Line()))
	r.Info.Fail(f.Fault.Code)
	if r.state == answering {
		panic(http.ErrAbortHandler)
	}
	r.state = answered
	r.Body.announce(r.W.Header())
	modgw.ServeFault(r.W, r.R, f.Status, f.Fault, r.Config.Dev)
}
