package front

import (
	"net/http"

	"github.com/modgw/modgw/modgw"
)

// Output sends what a [Response] is made of, as its protocol has it. It reports the
// outcome of each write by [Response.Sent].
type Output interface {
	http.ResponseWriter // the Response, and what the protocol adds to it

	// SetHead takes the head, whose end is [Response.AppendHeadEnd]. The error is a *modgw.Fault
	// that says why the head cannot be sent.
	SetHead(status int, header http.Header) error

	// Add takes a piece of the body, to be sent now or later.
	Add(p []byte) error

	// Send sends what was taken.
	Send() error

	// Drop forgets what was taken and not sent: an error page takes its place.
	Drop()

	// End sends what was taken, and ends the response. If that fails, or something failed before,
	// it cuts the response off.
	End()

	// CutOff ends a response that is not complete, so that the client can see it.
	CutOff()

	// BodyFault says why the request's body is not what was declared; nil: it is, as far as is
	// known.
	BodyFault() *modgw.Fault
}
