package relay

import (
	"context"
	"errors"

	"github.com/modgw/modgw/modgw/runner/queue"
)

// Why a request cannot be executed, or its response not read to its end. A *[Failure] has its
// outcome itself.
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
	{context.DeadlineExceeded, ClientGone}, // a deadline of the front
	{ErrRequeued, Requeued},
	{queue.ErrFull, QueueFull},
	{queue.ErrTimeout, QueueTimeout},
	{queue.ErrNobody, NoWorker},
	{queue.ErrClosed, Stopping},
}

// OutcomeOf returns the outcome of a request that ended with err. nil is a complete response; an
// unknown error means that the worker was lost.
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
