package upload

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/spool"
)

// NotKept says that the host cannot keep a request body.
type NotKept struct{ Err error }

// Error says why.
func (e *NotKept) Error() string { return fmt.Sprintf("the request body cannot be kept: %v", e.Err) }

// Unwrap returns the error of the spool.
func (e *NotKept) Unwrap() error { return e.Err }

// Fault is how a request is answered whose body the host could not keep; ok is false for an error of another kind.
func Fault(err error) (status int, fault *modgw.Fault, ok bool) {
	notKept, isKept := errors.AsType[*NotKept](err)
	if !isKept {
		return 0, nil, false
	}
	if _, isFile := errors.AsType[*spool.FileError](err); isFile {
		return http.StatusInsufficientStorage, &modgw.Fault{
			Code: "MGW-APP-025", Summary: "cannot keep the request body in a file", Err: notKept.Err,
			Hint: "make room in the folder \"spool\" of the state folder, or lower spool { disk } in the host's file",
		}, true
	}
	return http.StatusServiceUnavailable, &modgw.Fault{
		Code: "MGW-APP-024", Summary: "cannot keep the request body", Err: notKept.Err,
		Hint: "many clients upload at once; raise spool { total } of the app, or spool { memory, disk } of the host",
	}, true
}
