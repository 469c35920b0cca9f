package request

import (
	"errors"
	"fmt"
	"net/http"
	"sync"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/runner/python/control"
	"github.com/modgw/modgw/modgw/runner/relay"
	"github.com/modgw/modgw/modgw/runner/workers"
	"github.com/modgw/modgw/modgw/wire"
)

// MaxHead is the longest head of a request, so that it fits into a frame with the beginning of the
// body.
const MaxHead = wire.MaxPayload - relay.AheadSize - 4

// heads has buffers for the heads of requests.
var heads = sync.Pool{New: func() any { return new([]byte) }}

// Call is one request on its way to a worker.
type Call struct {
	*relay.Request
	App  *App   // the runner
	Head []byte // head of the Request frame: WSGI's environ or ASGI's scope
}

// NewCall makes the call of a request.
func NewCall(w http.ResponseWriter, r *http.Request, a *App) *Call {
	c := &Call{Request: relay.New(w, r, &a.RunnerConfig), App: a}
	c.Area = a.Bodies
	return c
}

// MoveTo moves the request, whose response has begun, to another runner's worker.
func (c *Call) MoveTo(a *App, w *workers.Worker) {
	c.App, c.Config, c.Worker = a, &a.RunnerConfig, w
}

// Serve reads the part of the body that keep requires, makes the head with appendHead, which gets
// the length of the body or -1, and calls try until it returns false.
func (c *Call) Serve(
	keep relay.Keeping, appendHead func(b []byte, length int64) []byte, try func() (again bool),
) {
	if err := c.Open(keep); err != nil {
		c.Conclude(err)
		return
	}
	defer c.Body.Release()
	buffer := heads.Get().(*[]byte)
	defer heads.Put(buffer)
	*buffer = appendHead((*buffer)[:0], c.length())
	if c.Head = *buffer; len(c.Head) > MaxHead {
		c.Conclude(HeadTooLarge(len(c.Head)))
		return
	}
	for try() {
	}
}

// length is the length of the body; -1: unknown.
func (c *Call) length() int64 {
	if c.Body.IsReceived() {
		return max(c.Body.Length, 0)
	}
	return c.Body.Length
}

// Unplaced explains why the request got no worker.
func (c *Call) Unplaced(err error) error {
	if c.App.Unplaced == nil {
		return err
	}
	return c.App.Unplaced(err)
}

// Explain adds the worker's log records to the fault of a failed app, in development.
func (c *Call) Explain(w *control.Worker, err error) {
	failed, ok := errors.AsType[*relay.Failure](err)
	if ok && failed.Outcome == relay.AppFailed {
		w.AddTraceback(failed.Fault, c.Info.ID, c.App.Descriptor.Secrets)
	}
}

// Lost handles a request whose worker was lost because of err. It reports whether to try again: the
// worker cannot have begun the request (unbegun), or the request may be executed twice and has not
// crashed the worker. Otherwise the request is answered.
func (c *Call) Lost(err error, unbegun bool, crashed func() bool) (again bool) {
	outcome := relay.WorkerLost
	if unbegun {
		outcome = relay.Unbegun
	}
	final := !unbegun && (crashed() || c.App.Attached)
	if !final && c.Again(outcome, err) {
		return true
	}
	c.Conclude(err)
	return false
}

// HeadTooLarge is the failure of a request whose head has more than [MaxHead] bytes.
func HeadTooLarge(size int) *relay.Failure {
	return &relay.Failure{Status: http.StatusRequestHeaderFieldsTooLarge, Fault: &modgw.Fault{
		Code:    "MGW-APP-017",
		Summary: fmt.Sprintf("cannot pass on %d bytes of request headers and variables", size),
	}}
}
