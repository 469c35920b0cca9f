package exchange

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/modgw/modgw/modgw"
)

// Failure is why a request gets an answer of the host: Status with what Fault says.
type Failure struct {
	Status int
	Fault  *modgw.Fault
}

// Error is what the fault says.
func (f *Failure) Error() string { return f.Fault.Error() }

// Unwrap returns the fault.
func (f *Failure) Unwrap() error { return f.Fault }

// Why a response cannot be read or sent to its end.
var (
	ErrOverdue    = errors.New("the request's time is up")
	ErrReplaced   = errors.New("the generation was replaced")
	ErrClientGone = errors.New("the client has gone")
)

// Died is the failure of a request whose program ended before it answered.
func Died(why string) *Failure {
	return &Failure{http.StatusBadGateway, &modgw.Fault{
		Code:    "MGW-APP-008",
		Summary: fmt.Sprintf("cannot answer: the worker ended: %s", why),
		Hint:    "what the app printed last is in its log",
	}}
}

// Overdue is the failure of a request that took too long.
func Overdue(limit time.Duration) *Failure {
	return &Failure{http.StatusGatewayTimeout, &modgw.Fault{
		Code:    "MGW-APP-009",
		Summary: fmt.Sprintf("cannot answer: the app took longer than %s", limit),
		Hint:    "when it only needs longer, raise timeouts { request }",
	}}
}

// badResponse is the failure of a request whose response must not be sent.
func badResponse(format string, args ...any) *Failure {
	return &Failure{http.StatusBadGateway, &modgw.Fault{
		Code: "MGW-APP-014", Summary: "cannot send the app's response: " + fmt.Sprintf(format, args...),
	}}
}

// bodyTooLarge is the failure of a request whose body is beyond the limit.
func bodyTooLarge(limit int64) *Failure {
	return &Failure{http.StatusRequestEntityTooLarge, &modgw.Fault{
		Code:    "MGW-APP-015",
		Summary: fmt.Sprintf("cannot take a request body of more than %d bytes", limit),
		Hint:    "raise limits { body } when the app expects larger ones",
	}}
}

// bodyIncomplete is the failure of a request whose body ended too early.
func bodyIncomplete(err error) *Failure {
	return &Failure{http.StatusBadRequest, &modgw.Fault{
		Code: "MGW-APP-016", Summary: "cannot read the request body", Err: err,
	}}
}

// lengthRequired is the failure of a request whose body would have to be kept where nothing is.
func lengthRequired() *Failure {
	return &Failure{http.StatusLengthRequired, &modgw.Fault{
		Code: "MGW-CGI-001", Summary: "cannot keep a request body whose length the client did not tell",
		Hint: "spool { total } of the app, or of the host's file spool { memory, disk }, is 0: nothing is kept",
	}}
}
