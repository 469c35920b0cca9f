package relay

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"github.com/modgw/modgw/modgw"
)

// Failure is a request that the host answers in place of the app.
type Failure struct {
	Outcome Outcome      // the reason
	Status  int          // the status of the answer
	Fault   *modgw.Fault // is shown in the log, and in the answer to a developer
}

// Failure returns the failure of a request with the outcome, because of err, which may be nil.
// values are for the formats of the outcome's summary and hint.
func (o Outcome) Failure(err error, values ...any) *Failure {
	rule := rules[o]
	return &Failure{o, rule.status, &modgw.Fault{
		Code:    rule.code,
		Summary: format(rule.summary, values),
		Hint:    format(rule.hint, values),
		Err:     err,
	}}
}

// format is fmt.Sprintf for texts that need not use the values.
func format(text string, values []any) string {
	if !strings.Contains(text, "%") {
		return text
	}
	return fmt.Sprintf(text, values...)
}

// Bad returns the failure of a request whose response must not be passed on.
func Bad(summary string, values ...any) *Failure {
	return BadResponse.Failure(nil, fmt.Sprintf(summary, values...))
}

// Unplaced returns the failure of a request that got no worker, because of an error of the queue
// with these limits.
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

// Error is the text of the fault.
func (f *Failure) Error() string { return f.Fault.Error() }

// Unwrap returns the fault.
func (f *Failure) Unwrap() error { return f.Fault }

// level is the level of the log record about the failure: the mistakes of clients are no errors of
// the host, and an app that failed has its traceback in the log already.
func (f *Failure) level() slog.Level {
	if f.Status < http.StatusInternalServerError || f.Outcome == AppFailed {
		return slog.LevelInfo
	}
	return slog.LevelError
}
