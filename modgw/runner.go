package modgw

import (
	"context"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/modgw/modgw/internal/eventloop"
	"github.com/modgw/modgw/internal/kernelaudit"
	"github.com/modgw/modgw/modgw/appvalues"
	"github.com/modgw/modgw/modgw/spool"
)

// Runner starts an app's processes and serves requests with them. It belongs to one generation.
//
// ServeHTTP is called only between a successful Start and Stop, by many goroutines. It answers
// every request: with the app's response, or with [ServeFault] when the app has none to give; after
// the head was sent it can only panic(http.ErrAbortHandler).
type Runner interface {
	http.Handler

	// Start spawns the workers and returns nil when all of them are ready, or the reason why they
	// never will be. After an error nothing that it started is left. ctx limits the start, not the
	// life of the workers.
	Start(ctx context.Context) error

	// Stop ends all workers: politely until ctx is done, then by force. It returns when every
	// process and goroutine of the runner has ended. The gateway calls it once, when no request is
	// in flight any more or the drain limit is over.
	Stop(ctx context.Context)

	// Status returns the current status of the runner.
	Status() RunnerStatus
}

// Expander is a runner that can begin with fewer workers than it has in the end.
type Expander interface {
	// Expand starts the workers that Start left out, because RunnerConfig.Few is set. It returns at
	// once; a worker that does not start is tried again until Stop.
	Expand()
}

// Resizer is a runner whose number of workers can change while it serves.
type Resizer interface {
	// Resize sets the number of workers. It returns at once: new ones start in the background, and
	// superfluous ones finish their requests and end.
	Resize(n int)

	// Size returns the number of workers that there should be. It is called with locks held, so it
	// asks no worker.
	Size() int
}

// Sleeper is a runner whose processes can be frozen while they have no requests.
type Sleeper interface {
	// Sleep freezes all processes, and frees their memory if the machine has another place for it.
	// If it fails, or ctx ends first, they continue to run. No request is in flight, and none comes
	// until Wake. The error is [ErrBusy] if it may succeed soon, and [ErrFrozen] if they do not
	// continue.
	Sleep(ctx context.Context) error

	// Wake lets them run on after Sleep has succeeded. It returns when they do.
	Wake() error
}

// RunnerConfig is the configuration of a runner.
type RunnerConfig struct {
	Descriptor  Descriptor     // descriptor of the app
	Environment *Environment   // never nil; empty for kinds without one
	Generation  int            // counts the app's generations from 1
	Dev         bool           // development: tracebacks may be shown to the client
	Replaces    bool           // another generation of the app serves until this one is ready
	Few         bool           // an Expander's Start starts one worker alone: requests wait for it
	Private     string         // folder for the app's private files; "": none
	Size        int            // workers of a Resizer at first; 0: the least of the descriptor
	Terminal    *Terminal      // terminal of the app's developer; nil: none
	Spool       *spool.Account // counts parts kept for slow clients; nil: none are kept
	// Values adds up the workers' own measurements, over all generations; nil: not needed.
	Values *appvalues.Store
	// Telemetry are variables for the app's own OpenTelemetry, where it has not set them; nil:
	// none.
	Telemetry map[string]string
	// Inherit asks for the workers of the host that this one replaces, of which this generation may
	// have those with its numbers; nil: all its workers are new.
	Inherit Inherit
	Loop    *eventloop.Loop // serves ordinary requests; nil: goroutines do. The host sets it
	// Crowded is called when requests wait for a worker, or when a worker has several of them at
	// once, again and again. It does not block. nil: it is not called.
	Crowded func()
	// Audit checks which denials the kernel reports; nil: it is asked each time. The host sets it.
	Audit *kernelaudit.Prober
	Log   *slog.Logger // has the attributes app and generation already
}

// Terminal is where a developer talks to an app, as breakpoint() does.
type Terminal struct {
	In  *os.File     // standard input of all workers, such as one end of a pipe
	Out func([]byte) // receives their standard output as it comes
}

// NewRunner creates the runner for a kind. It starts nothing; an error means that the descriptor
// cannot be run.
type NewRunner func(RunnerConfig) (Runner, error)

// RunnerStatus is a snapshot of a runner.
type RunnerStatus struct {
	Workers  []WorkerStatus `json:"workers"`  // by number
	Busy     int            `json:"busy"`     // requests that workers execute now
	Capacity int            `json:"capacity"` // requests that could be executed at once
	Queued   int            `json:"queued"`   // requests that wait for a free worker
	Wanted   int            `json:"wanted"`   // workers that there should be; 0: it has none
	Finished int64          `json:"finished"` // requests that its workers have executed
	Restarts int            `json:"restarts"` // workers replaced because they ended unasked
	Crash    *CrashStatus   `json:"crash"`    // the latest; null: none

	// Limits has the mechanism that enforces each limit of the app's processes together: "cgroup
	// v2", "cgroup v1", "rlimit", or "none". Empty: there is no limit.
	Limits map[string]string `json:"limits,omitempty"`

	// Sleep has the mechanisms by which the app sleeps: "freeze" by "cgroup v2", "cgroup v1" or
	// "none", and "memory" by "memory.reclaim", "madvise" or "none". Empty: its descriptor does not
	// allow it.
	Sleep map[string]string `json:"sleep,omitempty"`

	// Sandbox has the mechanism by which the app's sandbox confines each kind of access, or "none".
	// Empty: there is no sandbox.
	Sandbox map[string]string `json:"sandbox,omitempty"`

	// Denied counts the known denials by the sandbox of this generation, by kind: "files",
	// "network", "processes" or "calls".
	Denied map[string]uint64 `json:"denied,omitempty"`

	// Learned is the sandbox block that allows the accesses of the app so far. Empty: it does not
	// learn.
	Learned string `json:"learned,omitempty"`
}

// WorkerStatus is a snapshot of one worker.
type WorkerStatus struct {
	Number   int       `json:"number"`   // from 1
	PID      int       `json:"pid"`      // 0 while there is no process
	State    string    `json:"state"`    // "starting", "ready", "retiring", "backoff" …
	Since    time.Time `json:"since"`    // begin of the state
	Requests int       `json:"requests"` // requests executed so far
	Memory   int64     `json:"memory"`   // resident bytes; 0 when unknown

	// Interpreter has the worker's measurements of its interpreter; null if unknown.
	Interpreter *InterpreterStatus `json:"interpreter,omitempty"`
}

// CrashStatus describes a worker that crashed while it had requests: by a signal such as SIGSEGV,
// or with an exit code.
type CrashStatus struct {
	Worker int       `json:"worker"` // its number
	PID    int       `json:"pid"`    // process id of the worker
	Time   time.Time `json:"time"`   // time of the crash
	Reason string    `json:"reason"` // how it ended

	// Requests are those that it had: one of them is probably why. Those beyond MaxSuspects are
	// only counted.
	Requests []SuspectRequest `json:"requests"`
	More     int              `json:"more"`
}

// MaxSuspects is the largest number of requests in a CrashStatus.
const MaxSuspects = 8

// SuspectRequest names a request that a worker had when it crashed.
type SuspectRequest struct {
	Request string `json:"request"` // its ID, as in the log
	Method  string `json:"method"`  // HTTP method
	Path    string `json:"path"`    // with control characters escaped
}

// Clone returns a copy that shares nothing with c; nil for nil.
func (c *CrashStatus) Clone() *CrashStatus {
	if c == nil {
		return nil
	}
	copied := *c
	copied.Requests = append([]SuspectRequest{}, c.Requests...)
	return &copied
}

// StateAwaited is the state of a worker that the host does not start and that has not attached yet.
const StateAwaited = "waiting for a worker"

// StateAttached is the state of a worker that takes requests and was not started by the host.
const StateAttached = "attached"

// AppLine is the message of a log record that holds one line which an app wrote to its standard
// output or error; the line is in the attribute "line" and the stream, "stdout" or "stderr", in
// "stream".
const AppLine = "app output"
