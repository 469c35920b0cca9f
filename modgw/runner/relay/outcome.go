package relay

import "net/http"

// Outcome is the way in which a request ended, or the reason why it failed.
type Outcome int

// The outcomes. Refused is the zero value: a [Failure] with a status and a fault of the runner's
// own.
const (
	Refused Outcome = iota
	Complete

	// While the request was executed.
	Overdue     // its time was up
	Replaced    // its endless response was ended, because its generation or its worker was replaced
	ClientGone  // the client closed the connection
	AppFailed   // the app gave no response
	BadResponse // the response must not be passed on
	WorkerLost  // the worker ended, or its connection, and may have begun the request
	Unbegun     // the worker ended, or its connection, and cannot have begun the request
	Requeued    // the worker returned the request without beginning it

	// While the request waited for a worker.
	QueueFull
	QueueTimeout
	NoWorker
	Stopping

	// While the body of the request was read.
	BodyTooLarge
	BodyIncomplete
	BodyNotKept
	BodyNotStored
	LengthRequired

	outcomes // the number of outcomes
)

// retryCondition is the condition under which a request may be given to another worker. All values
// except retryNever require a body that can be sent again, and that the response was not begun.
type retryCondition int

// The values of retryCondition.
const (
	retryNever   retryCondition = iota
	retryIfSafe                 // once, for a safe method, unless the worker has crashed with it
	retryAlways                 // as often as tries allow
	retryForFree                // always, and it does not count as a try
)

// Fate is the consequence for the worker that had a request.
type Fate int

// The values of Fate.
const (
	FateKeep  Fate = iota // it takes the next request
	FateWatch             // the response is not needed; the worker must end the request in time
	FateDoubt             // it may hang: it is replaced unless it can be shown not to
	FateLose              // it has ended, or is ending
)

// rule has the consequences of an outcome.
type rule struct {
	answer        // to the client; a status of 0: there is none
	hint   string // a format for the values of the answer; "": there is no hint
	retry  retryCondition
	fate   Fate
}

// answer is the answer of the host to a request that the app did not answer.
type answer struct {
	status  int
	code    string
	summary string // a format
}

// Answers of more than one outcome.
var (
	workerEnded = answer{http.StatusBadGateway, "MGW-APP-008", "cannot answer: the worker ended: %s"}
	workersBusy = answer{http.StatusServiceUnavailable, "MGW-APP-010", "cannot answer: all workers are busy"}
)

var rules = [outcomes]rule{
	Refused:    {},
	Complete:   {},
	Replaced:   {fate: FateWatch},
	ClientGone: {fate: FateWatch},
	Requeued:   {retry: retryForFree},

	Overdue: {
		answer: answer{http.StatusGatewayTimeout, "MGW-APP-009", "cannot answer: the app took longer than %s"},
		hint:   "the log may show where it was; when it only needs longer, raise timeouts { request }",
		fate:   FateDoubt,
	},
	AppFailed: {
		answer: answer{http.StatusInternalServerError, "MGW-APP-013", "cannot answer: the app failed: %s"},
		fate:   FateWatch,
	},
	BadResponse: {
		answer: answer{http.StatusBadGateway, "MGW-APP-014", "cannot send the app's response: %s"},
		fate:   FateWatch,
	},
	WorkerLost: {
		answer: workerEnded,
		hint:   "what the app printed last is in its log; PYTHONFAULTHANDLER's stacks too when Python crashed",
		retry:  retryIfSafe,
		fate:   FateLose,
	},
	Unbegun: {
		answer: workerEnded,
		hint:   "what the app printed last is in its log",
		retry:  retryAlways,
		fate:   FateLose,
	},

	QueueFull: {
		answer: workersBusy,
		hint:   "let more requests be executed at once, or more than queue { max = %d } wait",
	},
	QueueTimeout: {
		answer: workersBusy,
		hint:   "let more requests be executed at once, or wait longer than queue { timeout = %q }",
	},
	NoWorker: {
		answer: answer{http.StatusServiceUnavailable, "MGW-APP-011", "cannot answer: no worker is up"},
		hint:   "the log says why the workers ended",
	},
	Stopping: {
		answer: answer{http.StatusServiceUnavailable, "MGW-APP-012", "cannot answer: the app is being stopped"},
	},

	BodyTooLarge: {
		answer: answer{http.StatusRequestEntityTooLarge, "MGW-APP-015", "cannot take a request body of more than %d bytes"},
		hint:   "raise limits { body } when the app expects larger ones",
		fate:   FateWatch,
	},
	BodyIncomplete: {
		answer: answer{http.StatusBadRequest, "MGW-APP-016", "cannot read the request body"},
		fate:   FateWatch,
	},
	BodyNotKept: {
		answer: answer{http.StatusServiceUnavailable, "MGW-APP-024", "cannot keep the request body"},
		hint:   "many clients upload at once; raise spool { total } of the app, or spool { memory, disk } of the host",
	},
	BodyNotStored: {
		answer: answer{http.StatusInsufficientStorage, "MGW-APP-025", "cannot keep the request body in a file"},
		hint:   "make room in the folder \"spool\" of the state folder, or lower spool { disk } in the host's file",
	},
	LengthRequired: {
		answer: answer{http.StatusLengthRequired, "MGW-CGI-001", "cannot keep a request body whose length the client did not tell"},
		hint:   "spool { total } of the app, or of the host's file spool { memory, disk }, is 0: nothing is kept",
	},
}

// Code returns the code of the answer's fault; "" without an answer.
func (o Outcome) Code() string { return rules[o].code }

// Fate returns the consequence for the worker that had the request.
func (o Outcome) Fate() Fate { return rules[o].fate }
