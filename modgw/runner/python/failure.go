package python

import (
	"errors"

	"github.com/modgw/modgw/modgw"
)

// failure is why a request gets an answer of the host: status with what fault says. After the head was sent, the
// response is cut off instead.
type failure struct {
	status int
	fault  *modgw.Fault
}

// Error is what the fault says.
func (f *failure) Error() string { return f.fault.Error() }

// errClientGone says that the client does not take the response any more.
var errClientGone = errors.New("the client has gone")
