package relay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/modgw/modgw/internal/faulttest"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/runner/queue"
)

func TestEachOutcomeHasOneAnswer(t *testing.T) {
	const none, failed, quiet = "", slog.LevelError, slog.LevelDebug
	for name, want := range map[Outcome]rule{
		Complete:       {0, none, "", "", slog.LevelInfo, "", Never, Keep},
		Overdue:        {504, "MGW-APP-009", "", "", failed, "request failed", Never, Doubt},
		Replaced:       {0, none, "", "", quiet, "event stream ended", Never, Watch},
		ClientGone:     {0, none, "", "", quiet, "request abandoned", Never, Watch},
		AppFailed:      {500, "MGW-APP-013", "", "", slog.LevelInfo, "request failed", Never, Watch},
		BadResponse:    {502, "MGW-APP-014", "", "", failed, "request failed", Never, Watch},
		WorkerLost:     {502, "MGW-APP-008", "", "", failed, "request failed", IfSafe, Lose},
		Unbegun:        {502, "MGW-APP-008", "", "", failed, "request failed", Always, Lose},
		Requeued:       {0, none, "", "", quiet, "request given to another worker", ForFree, Keep},
		QueueFull:      {503, "MGW-APP-010", "", "", failed, "request failed", Never, Keep},
		QueueTimeout:   {503, "MGW-APP-010", "", "", failed, "request failed", Never, Keep},
		NoWorker:       {503, "MGW-APP-011", "", "", failed, "request failed", Never, Keep},
		Stopping:       {503, "MGW-APP-012", "", "", failed, "request failed", Never, Keep},
		BodyTooLarge:   {413, "MGW-APP-015", "", "", slog.LevelInfo, "request failed", Never, Watch},
		BodyIncomplete: {400, "MGW-APP-016", "", "", slog.LevelInfo, "request failed", Never, Watch},
		BodyNotKept:    {503, "MGW-APP-024", "", "", failed, "request failed", Never, Keep},
		BodyNotStored:  {507, "MGW-APP-025", "", "", failed, "request failed", Never, Keep},
		LengthRequired: {411, "MGW-CGI-001", "", "", slog.LevelInfo, "request failed", Never, Keep},
	} {
		got := rules[name]
		got.summary, got.hint = "", ""
		if got != want {
			t.Errorf("outcome %d: got %+v, want %+v", name, got, want)
		}
	}
}

func TestErrorsHaveOutcomes(t *testing.T) {
	for err, want := range map[error]Outcome{
		nil:                                  Complete,
		ErrOverdue:                           Overdue,
		fmt.Errorf("x: %w", ErrReplaced):     Replaced,
		fmt.Errorf("%w: y", ErrClientGone):   ClientGone,
		context.Canceled:                     ClientGone,
		context.DeadlineExceeded:             ClientGone,
		ErrRequeued:                          Requeued,
		queue.ErrFull:                        QueueFull,
		queue.ErrTimeout:                     QueueTimeout,
		queue.ErrNobody:                      NoWorker,
		queue.ErrClosed:                      Stopping,
		fmt.Errorf("x: %w", Bad("its head")): BadResponse,
		&Failure{Status: 404}:                Refused,
		io.ErrUnexpectedEOF:                  WorkerLost,
	} {
		if got := OutcomeOf(err); got != want {
			t.Errorf("%v: got %d, want %d", err, got, want)
		}
	}
}

func TestTextsOfFailuresHaveTheirValues(t *testing.T) {
	limits := modgw.Queue{Max: 7, Timeout: 3 * time.Second}
	for want, failure := range map[string]*Failure{
		"cannot answer: the app took longer than 2s [MGW-APP-009]\n" +
			"hint: the log may show where it was; when it only needs longer, raise timeouts { request }": Overdue.Failure(nil, 2*time.Second),
		"cannot answer: all workers are busy: the queue is full [MGW-APP-010]\n" +
			"hint: let more requests be executed at once, or more than queue { max = 7 } wait": Unplaced(queue.ErrFull, limits),
		"cannot answer: all workers are busy: no worker became free in time [MGW-APP-010]\n" +
			`hint: let more requests be executed at once, or wait longer than queue { timeout = "3s" }`: Unplaced(queue.ErrTimeout, limits),
		"cannot answer: the app is being stopped: the app is being stopped [MGW-APP-012]": Unplaced(queue.ErrClosed, limits),
		"cannot send the app's response: 100% of it [MGW-APP-014]":                        Bad("%d%% of it", 100),
		"cannot read the request body: unexpected EOF [MGW-APP-016]":                      BodyIncomplete.Failure(io.ErrUnexpectedEOF),
	} {
		if got := failure.Error(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		faulttest.Want(t, failure.Error(), failure.Fault.Code)
		if cause := errors.Unwrap(failure); cause != error(failure.Fault) {
			t.Errorf("the cause is %v", cause)
		}
	}
}

func TestRefusalsAreErrorsOfTheHostAlone(t *testing.T) {
	for status, level := range map[int]slog.Level{404: slog.LevelInfo, 431: slog.LevelInfo, 500: slog.LevelError, 503: slog.LevelError} {
		if got := (&Failure{Status: status}).level(); got != level {
			t.Errorf("status %d: level %s", status, got)
		}
	}
}
