package front

import (
	"net/http"

	"github.com/modgw/modgw/modgw"
)

// Output sends the parts of a [Response] in its protocol. It reports the result of each write to
// [Response.Sent].
type Output interface {
	http.ResponseWriter // the Response, with the additions of the protocol

	// SetHead accepts the head. [Response.AppendHeadEnd] appends its end. The error is a
	// *modgw.Fault that explains why the head cannot be sent.
	SetHead(status int, header http.Header) error

	// Add takes a piece of the body, to be sent now or later.
	Add(p []byte) error

	// Send sends the accepted bytes.
	Send() error

	// Drop discards the accepted bytes that were not sent, in favour of an error page.
	Drop()

	// End sends the accepted bytes, and ends the response. If that fails, or an earlier call
	// failed, it cuts the response off.
	End()

	// CutOff ends a response that is not complete, so that the client can see it.
	CutOff()

	// BodyFault reports how the request's body differs from its declaration; nil: not at all, as
	// far as known.
	BodyFault() *modgw.Fault
}
