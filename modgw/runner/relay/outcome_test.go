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
	wants := map[Outcome]struct {
		status int
		code   string
		level  slog.Level
		retry  retryCondition
		fate   Fate
	}{
		Refused:        {0, "", slog.LevelInfo, retryNever, FateKeep},
		Complete:       {0, "", slog.LevelInfo, retryNever, FateKeep},
		Overdue:        {504, "MGW-APP-009", slog.LevelError, retryNever, FateDoubt},
		Replaced:       {0, "", slog.LevelInfo, retryNever, FateWatch},
		ClientGone:     {0, "", slog.LevelInfo, retryNever, FateWatch},
		AppFailed:      {500, "MGW-APP-013", slog.LevelInfo, retryNever, FateWatch},
		BadResponse:    {502, "MGW-APP-014", slog.LevelError, retryNever, FateWatch},
		WorkerLost:     {502, "MGW-APP-008", slog.LevelError, retryIfSafe, FateLose},
		Unbegun:        {502, "MGW-APP-008", slog.LevelError, retryAlways, FateLose},
		Requeued:       {0, "", slog.LevelInfo, retryForFree, FateKeep},
		QueueFull:      {503, "MGW-APP-010", slog.LevelError, retryNever, FateKeep},
		QueueTimeout:   {503, "MGW-APP-010", slog.LevelError, retryNever, FateKeep},
		NoWorker:       {503, "MGW-APP-011", slog.LevelError, retryNever, FateKeep},
		Stopping:       {503, "MGW-APP-012", slog.LevelError, retryNever, FateKeep},
		BodyTooLarge:   {413, "MGW-APP-015", slog.LevelInfo, retryNever, FateWatch},
		BodyIncomplete: {400, "MGW-APP-016", slog.LevelInfo, retryNever, FateWatch},
		BodyNotKept:    {503, "MGW-APP-024", slog.LevelError, retryNever, FateKeep},
		BodyNotStored:  {507, "MGW-APP-025", slog.LevelError, retryNever, FateKeep},
		LengthRequired: {411, "MGW-CGI-001", slog.LevelInfo, retryNever, FateKeep},
	}
	if len(wants) != int(outcomes) {
		t.Errorf("%d of %d outcomes are tested", len(wants), outcomes)
	}
	for o, want := range wants {
		failure := o.Failure(nil, "x")
		if failure.Status != want.status || failure.Fault.Code != want.code || o.Code() != want.code ||
			failure.level() != want.level || failure.Outcome != o {
			t.Errorf("outcome %d: answered %d with %s at %s", o, failure.Status, failure.Fault.Code, failure.level())
		}
		if rules[o].retry != want.retry || o.Fate() != want.fate {
			t.Errorf("outcome %d: retry %d, fate %d, want %d and %d", o, rules[o].retry, o.Fate(), want.retry, want.fate)
		}
		if answered := want.status != 0; answered != (failure.Fault.Summary != "") {
			t.Errorf("outcome %d: the answer says %q", o, failure.Fault.Summary)
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
