package relay

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/runner/queue"
)

// Outcome is what became of a request.
type Outcome int

// The outcomes. Refused is the zero value: a [Failure] with a status and a fault of a runner's own.
const (
	Refused Outcome = iota
	Complete

	// While it was executed.
	Overdue     // its time was up
	Replaced    // its endless response was ended, because its generation or its worker was replaced
	ClientGone  // nobody wants the response any more
	AppFailed   // the app gave no response
	BadResponse // what came must not be passed on
	WorkerLost  // the worker ended, or its connection, and may have begun it
	Unbegun     // the worker ended, or its connection, and cannot have begun it
	Requeued    // the worker gave it back, and has not begun it

	// While it waited for a worker.
	QueueFull
	QueueTimeout
	NoWorker
	Stopping

	// While its body was read.
	BodyTooLarge
	BodyIncomplete
	BodyNotKept
	BodyNotStored
	LengthRequired

	outcomes // how many there are
)

// Retry says when a request may be given to another worker.
type Retry int

// Each needs a body that can be sent once more, and that nothing was answered yet.
const (
	Never   Retry = iota
	IfSafe        // once, when it may be executed twice and has not crashed the worker
	Always        // as often as tries allow
	ForFree       // and that is no try
)

// Fate is what becomes of the worker that had a request.
type Fate int

// The fates.
const (
	Keep  Fate = iota // it takes the next request
	Watch             // it is told that nobody wants the response, and must show within the request's time that it does not hang
	Doubt             // it may hang: it is replaced, unless it can be seen that it does not
	Lose              // it has ended, or is ending
)

// rule is what follows from an outcome.
type rule struct {
	status  int // of the answer; 0: there is none
	code    string
	summary string // for [fmt.Sprintf]
	hint    string // likewise, with the same values

	level   slog.Level
	message string // of the record
	retry   Retry
	fate    Fate
}

// Messages of records about requests.
const (
	failed    = "request failed"
	abandoned = "request abandoned"
	ended     = "event stream ended"
	again     = "request given to another worker"
)

var rules = [outcomes]rule{
	Refused:  {level: slog.LevelError, message: failed},
	Complete: {},
	Overdue: {
		status: http.StatusGatewayTimeout, code: "MGW-APP-009",
		summary: "cannot answer: the app took longer than %s",
		hint:    "the log may show where it was; when it only needs longer, raise timeouts { request }",
		level:   slog.LevelError, message: failed, fate: Doubt,
	},
	Replaced:   {level: slog.LevelDebug, message: ended, fate: Watch},
	ClientGone: {level: slog.LevelDebug, message: abandoned, fate: Watch},
	AppFailed: {
		status: http.StatusInternalServerError, code: "MGW-APP-013",
		summary: "cannot answer: the app failed: %s",
		level:   slog.LevelInfo, message: failed, fate: Watch, // the worker has logged the traceback as an error
	},
	BadResponse: {
		status: http.StatusBadGateway, code: "MGW-APP-014",
		summary: "cannot send the app's response: %s",
		level:   slog.LevelError, message: failed, fate: Watch,
	},
	WorkerLost: {
		status: http.StatusBadGateway, code: "MGW-APP-008",
		summary: "cannot answer: the worker ended: %s",
		hint:    "what the app printed last is in its log; PYTHONFAULTHANDLER's stacks too when Python crashed",
		level:   slog.LevelError, message: failed, retry: IfSafe, fate: Lose,
	},
	Unbegun: {
		status: http.StatusBadGateway, code: "MGW-APP-008",
		summary: "cannot answer: the worker ended: %s",
		hint:    "what the app printed last is in its log",
		level:   slog.LevelError, message: failed, retry: Always, fate: Lose,
	},
	Requeued: {level: slog.LevelDebug, message: again, retry: ForFree, fate: Keep},
	QueueFull: {
		status: http.StatusServiceUnavailable, code: "MGW-APP-010",
		summary: "cannot answer: all workers are busy",
		hint:    "let more requests be executed at once, or more than queue { max = %d } wait",
		level:   slog.LevelError, message: failed,
	},
	QueueTimeout: {
		status: http.StatusServiceUnavailable, code: "MGW-APP-010",
		summary: "cannot answer: all workers are busy",
		hint:    "let more requests be executed at once, or wait longer than queue { timeout = %q }",
		level:   slog.LevelError, message: failed,
	},
	NoWorker: {
		status: http.StatusServiceUnavailable, code: "MGW-APP-011",
		summary: "cannot answer: no worker is up",
		hint:    "the log says why the workers ended",
		level:   slog.LevelError, message: failed,
	},
	Stopping: {
		status: http.StatusServiceUnavailable, code: "MGW-APP-012",
		summary: "cannot answer: the app is being stopped",
		level:   slog.LevelError, message: failed,
	},
	BodyTooLarge: {
		status: http.StatusRequestEntityTooLarge, code: "MGW-APP-015",
		summary: "cannot take a request body of more than %d bytes",
		hint:    "raise limits { body } when the app expects larger ones",
		level:   slog.LevelInfo, message: failed, fate: Watch,
	},
	BodyIncomplete: {
		status: http.StatusBadRequest, code: "MGW-APP-016",
		summary: "cannot read the request body",
		level:   slog.LevelInfo, message: failed, fate: Watch,
	},
	BodyNotKept: {
		status: http.StatusServiceUnavailable, code: "MGW-APP-024",
		summary: "cannot keep the request body",
		hint:    "many clients upload at once; raise spool { total } of the app, or spool { memory, disk } of the host",
		level:   slog.LevelError, message: failed,
	},
	BodyNotStored: {
		status: http.StatusInsufficientStorage, code: "MGW-APP-025",
		summary: "cannot keep the request body in a file",
		hint:    "make room in the folder \"spool\" of the state folder, or lower spool { disk } in the host's file",
		level:   slog.LevelError, message: failed,
	},
	LengthRequired: {
		status: http.StatusLengthRequired, code: "MGW-CGI-001",
		summary: "cannot keep a request body whose length the client did not tell",
		hint:    "spool { total } of the app, or of the host's file spool { memory, disk }, is 0: nothing is kept",
		level:   slog.LevelInfo, message: failed,
	},
}

// Why a request cannot be executed or its response read to its end. A *[Failure] has the outcome itself.
var (
	ErrOverdue    = errors.New("the request's time is up")
	ErrReplaced   = errors.New("the generation was replaced")
	ErrClientGone = errors.New("the client has gone")
	ErrRequeued   = errors.New("the worker has given the request back")
)

// causes are the outcomes of errors.
var causes = []struct {
	err     error
	outcome Outcome
}{
	{ErrOverdue, Overdue},
	{ErrReplaced, Replaced},
	{ErrClientGone, ClientGone},
	{context.Canceled, ClientGone},
	{context.DeadlineExceeded, ClientGone}, // of the front's
	{ErrRequeued, Requeued},
	{queue.ErrFull, QueueFull},
	{queue.ErrTimeout, QueueTimeout},
	{queue.ErrNobody, NoWorker},
	{queue.ErrClosed, Stopping},
}

// OutcomeOf is the outcome of a request that ended with an error. One that says nothing else is the loss of the worker; nil is
// a complete response.
func OutcomeOf(err error) Outcome {
	if err == nil {
		return Complete
	}
	if failure, ok := errors.AsType[*Failure](err); ok {
		return failure.Outcome
	}
	for _, cause := range causes {
		if errors.Is(err, cause.err) {
			return cause.outcome
		}
	}
	return WorkerLost
}

// Code is that of the fault; "" without an answer.
func (o Outcome) Code() string { return rules[o].code }

// Fate is what becomes of the worker.
func (o Outcome) Fate() Fate { return rules[o].fate }

// Failure is the answer to a request with this outcome, because of err, which may be nil. values are for its text.
func (o Outcome) Failure(err error, values ...any) *Failure {
	rule := rules[o]
	return &Failure{o, rule.status, &modgw.Fault{
		Code: rule.code, Summary: fill(rule.summary, values), Hint: fill(rule.hint, values), Err: err,
	}}
}

// fill is fmt.Sprintf for texts that need not use the values.
func fill(text string, values []any) string {
	if !strings.Contains(text, "%") {
		return text
	}
	return fmt.Sprintf(text, values...)
}

// Failure is why a request gets an answer of the host: Status with what Fault says.
type Failure struct {
	Outcome Outcome
	Status  int
	Fault   *modgw.Fault
}

// Error is what the fault says.
func (f *Failure) Error() string { return f.Fault.Error() }

// Unwrap returns the fault.
func (f *Failure) Unwrap() error { return f.Fault }

// level is that of the record about the failure.
func (f *Failure) level() slog.Level {
	if f.Outcome == Refused && f.Status < http.StatusInternalServerError {
		return slog.LevelInfo
	}
	return rules[f.Outcome].level
}

// Bad is the failure of a request whose response must not be passed on.
func Bad(format string, values ...any) *Failure {
	return BadResponse.Failure(nil, fmt.Sprintf(format, values...))
}

// Unplaced is the failure of a request that got no worker, because of an error of the queue with these limits.
func Unplaced(err error, limits modgw.Queue) *Failure {
	switch outcome := OutcomeOf(err); outcome {
	case QueueFull:
		return outcome.Failure(err, limits.Max)
	case QueueTimeout:
		return outcome.Failure(err, limits.Timeout)
	default:
		return outcome.Failure(err)
	}
}
