package control

import (
	"fmt"
	"strings"
	"syscall"
	"time"

	"github.com/modgw/modgw/internal/monotonic"
	"github.com/modgw/modgw/modgw/wire"
)

const (
	// LagTime is how long an app may fail to react to input before the worker is asked whether its
	// event loop is blocked.
	LagTime = time.Second

	// StackTime is how long a worker may take to print its stacks.
	StackTime = 2 * time.Second

	// stacksMessage begins the record with which a worker answers a Dump frame.
	stacksMessage = "stacks of all threads"

	// interruptedMessage begins the record with which a worker answers an Interrupt frame.
	interruptedMessage = "request interrupted"
)

// Overdue replaces a worker in which a request took longer than its limit, and lets it log its
// stacks.
func (w *Worker) Overdue(request string, limit time.Duration) {
	reason := fmt.Sprintf("request %q took longer than %s", request, limit)
	w.mu.Lock()
	w.dumps++
	w.mu.Unlock()
	w.Send(wire.Dump, []byte(reason))
	w.Want(reason)
}

// Interrupt ends the request of a stream by an exception in its thread, and lets the worker log
// where that was.
func (w *Worker) Interrupt(thread int, stream uint32, limit time.Duration) {
	w.Send(wire.Interrupt, wire.AppendInterrupt(nil, thread, stream, "it took longer than "+limit.String()))
}

// RequestLoopStack makes the worker log the stack of its event loop if that is blocked. The worker
// is asked at most once in LagTime.
func (w *Worker) RequestLoopStack() {
	now := int64(monotonic.Now())
	last := w.dumpAsked.Load()
	if (last == 0 || now-last >= int64(LagTime)) && w.dumpAsked.CompareAndSwap(last, now) {
		w.Send(wire.Dump, nil)
	}
}

// LastWords implements [workers.Driver]. A worker that did not log the stacks that it was asked for
// runs no Python code any more. Then only the interpreter's own handler of SIGABRT can show where
// it is stuck.
func (w *Worker) LastWords() {
	w.mu.Lock()
	owes := w.dumps > 0
	w.mu.Unlock()
	if owes {
		w.Abort()
	}
}

// Abort makes the worker print the stacks of its threads and end.
func (w *Worker) Abort() {
	w.SignalLeader(syscall.SIGABRT)
	timer := time.NewTimer(StackTime)
	defer timer.Stop()
	select {
	case <-w.Done():
	case <-timer.C:
	}
}

// noteAnswer notes a record that answers a Dump or an Interrupt frame.
func (w *Worker) noteAnswer(message string) {
	switch {
	case strings.HasPrefix(message, stacksMessage):
		w.mu.Lock()
		w.dumps = 0
		w.mu.Unlock()
	case !strings.HasPrefix(message, interruptedMessage):
		return
	}
	w.Connections.Answered()
}
