package response

import (
	"net/http"

	"github.com/modgw/modgw/internal/proc"
	"github.com/modgw/modgw/modgw/runner/relay"
	"github.com/modgw/modgw/modgw/wire"
)

// AppFailed returns the failure of a request to which the app gave no response. f is an Abort
// frame.
func AppFailed(f wire.Frame) *relay.Failure {
	return relay.AppFailed.Failure(nil, proc.Printable(string(f.Payload)))
}

// tooLong is the failure of a response whose body is longer than its Content-Length.
func tooLong(length int64) *relay.Failure {
	return Bad("its body is longer than its Content-Length of %d bytes", length)
}

// Bad returns the failure of a request whose response must not be sent. Its status is that of a
// failed app: unlike a program of another protocol, a worker is no upstream server.
func Bad(format string, args ...any) *relay.Failure {
	failure := relay.Bad(format, args...)
	failure.Status = http.StatusInternalServerError
	return failure
}
