package fastcgi

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"syscall"
	"time"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/fcgi"
	"github.com/modgw/modgw/modgw/runner/queue"
	"github.com/modgw/modgw/modgw/runner/relay"
)

// call is one request on its way through the runner.
type call struct {
	*relay.Request
	runner *Runner
	head   []byte // its variables
	local  string // another resource whose response the program asks for; "": none
	left   bool   // the goroutine that waits for the program's end has the body
	reset  bool   // a program has reset the connection with the request on it
}

// ServeHTTP implements [modgw.Runner].
func (r *Runner) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	c := &call{Request: relay.New(w, req, &r.config), runner: r}
	defer func() {
		if !c.left {
			c.Body.Release()
		}
	}()
	handled, err := c.prepare()
	if handled {
		return
	}
	for again := err == nil; again; {
		again, err = c.try()
	}
	c.Conclude(err)
	if c.local != "" {
		c.Info.Redirect(w, req, c.local)
	}
}

// prepare reads the request. It reports whether the request was answered already. The error is the
// reason why it cannot be given to a program.
func (c *call) prepare() (handled bool, err error) {
	where, err := c.runner.locate(c.Info)
	switch {
	case errors.Is(err, errSlash):
		addSlash(c.Request)
		return true, nil
	case errors.Is(err, errFile):
		c.runner.public.Serve(c.W, c.R, c.Info.Path, c.Info.PathInfo)
		return true, nil
	case err != nil:
		return false, err
	}
	if err := c.Open(relay.KeepLength); err != nil {
		return false, err
	}
	if c.head = c.params(where, c.Body.Length); len(c.head) > maxParams {
		return false, headTooLarge(len(c.head))
	}
	return false, nil
}

// turn is a call's turn at a program.
type turn struct {
	target
	member *queue.Member
	conn   *conn
	stream *stream
	feeder *relay.Feeder // nil without a body

	finished bool // the place was given back
}

// try gives the request to a program and passes the response on. It reports whether to try again.
func (c *call) try() (again bool, err error) {
	ctx := c.R.Context()
	m, err := c.runner.queue.Acquire(ctx)
	if err != nil {
		return false, err
	}
	t := &turn{
		target: m.Value.(target), member: m,
		stream: newStream(c.Config.Log, c.runner.sandbox, c.Info.ID, c.Config.Descriptor.Timeouts.Request),
	}
	if t.worker != nil {
		t.worker.Began()
		c.Tried(t.worker.Worker)
	} else {
		c.Tried(nil)
	}
	if t.conn, err = t.program.open(ctx, t.stream, c.IsSafe()); err != nil {
		return c.unanswered(t, err)
	}
	unwatch := context.AfterFunc(ctx, func() { t.stream.pipe.Cut(relay.ErrClientGone) })
	err = c.relay(t)
	unwatch()
	return c.conclude(t, err)
}

// relay sends the request and passes the response on.
func (c *call) relay(t *turn) (err error) {
	s := t.stream
	if err := s.open(c.head, c.Body.Length <= 0); err != nil {
		return err
	}
	if c.Body.Length > 0 {
		t.feeder = relay.Feed(c.Body, s, &s.pipe.Clock)
	}
	c.local, err = c.Request.SendCGI(s.pipe, func() { c.finish(t) })
	return err
}

// conclude lets go of the program. It reports whether to try again.
func (c *call) conclude(t *turn, err error) (again bool, _ error) {
	outcome, err := c.judge(t, err)
	switch outcome.Fate() {
	case relay.FateDoubt:
		if t.worker != nil {
			t.worker.Want("request \"" + c.Info.ID + "\" took longer than " + c.Config.Descriptor.Timeouts.Request.String())
		}
		c.giveUp(t, err)
	case relay.FateWatch:
		c.giveUp(t, err)
	default:
		c.finish(t)
	}
	if outcome == relay.Complete {
		return false, nil
	}
	return c.Again(outcome, err), err
}

// judge returns the outcome that an error of the program has for the request, and the error to
// report.
func (c *call) judge(t *turn, err error) (relay.Outcome, error) {
	_, unsent := errors.AsType[errUnsent](err)
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		err = relay.ErrOverdue // it does not read its input
	case errors.Is(err, errCannotMpx) && t.conn.mpxs:
		t.program.noMpxs()
		return relay.Unbegun, refused(err)
	case errors.Is(err, errOverloaded), errors.Is(err, errCannotMpx), errors.Is(err, errRole):
		err = refused(err)
	case isViolation(err):
		err = brokeProtocol(err)
	case unsent, errors.Is(err, syscall.ECONNRESET) && c.IsSafe() && c.isUnread(t, err):
		return relay.Unbegun, err
	}
	return relay.OutcomeOf(err), err
}

// isUnread reports whether the program, which has reset the connection, cannot have begun the
// request: it has not read all that it was sent. It may have ended because of the request before,
// and the next one is not to blame. Where a second program ends in the same way, it is.
func (c *call) isUnread(t *turn, err error) bool {
	if c.reset && c.Crashed() {
		return false
	}
	c.reset = true
	if t.worker != nil && t.worker.Ending() {
		t.worker.suspect(err)
	}
	return true
}

// finish gives the place back, once, of a request that the program has ended, or with which the
// connection did.
func (c *call) finish(t *turn) {
	if t.finished {
		return
	}
	t.finished = true
	keep := t.conn.why() == nil
	select {
	case <-t.stream.ended:
	default:
		keep = false
	}
	if t.feeder != nil {
		c.Body.Stop()
		keep = t.letGo() && keep
	}
	t.program.put(t.conn, keep)
	c.runner.release(t)
}

// letGo ends a feeder, and reports whether the connection can be used again. A program that has not
// read all of the body by now never will, and only a program that multiplexes requests can tell
// them apart.
func (t *turn) letGo() bool {
	if !t.conn.mpxs {
		select {
		case <-t.feeder.Done():
		default:
			t.conn.close(errPut)
		}
		<-t.feeder.Done()
		return t.feeder.Sent()
	}
	timer := time.NewTimer(abortTime)
	defer timer.Stop()
	select {
	case <-t.feeder.Done():
	case <-timer.C:
		t.conn.close(errPut)
		<-t.feeder.Done()
	}
	return true
}

// giveUp abandons a request in a program until the program notices. For a process of the app the
// request's time limit continues until then. If the request took too long, the program may be
// stuck: its place stays occupied until the process, which was told to end, has ended.
func (c *call) giveUp(t *turn, cause error) {
	if t.feeder != nil {
		c.Body.Stop()
	}
	if t.finished {
		return
	}
	c.left = true
	overdue := relay.OutcomeOf(cause).Fate() == relay.FateDoubt
	c.runner.later(func() {
		if t.worker != nil && !overdue {
			t.stream.tellAbort(cause)
			if overdue = !t.stream.await(cause, c.runner.halt, t.worker.Done()); overdue {
				t.worker.Want("request \"" + c.Info.ID + "\", whose client has gone, took longer than " + c.Config.Descriptor.Timeouts.Request.String())
			}
		} else {
			t.stream.abort(cause)
		}
		if t.feeder != nil {
			t.letGo()
		}
		c.Body.Release()
		t.program.put(t.conn, t.conn.mpxs && t.conn.why() == nil)
		if t.worker != nil && overdue {
			select {
			case <-t.worker.Done():
			case <-c.runner.halt:
			}
		}
		c.runner.release(t)
	})
}

// release gives a turn's place to others.
func (r *Runner) release(t *turn) {
	if t.worker != nil {
		t.worker.Finished()
	}
	r.queue.Release(t.member)
}

// unanswered handles a program that does not accept connections. A process of the app that has
// closed its socket is ending, and gets no more requests. One that was retired at this moment
// continues with the requests that it has.
func (c *call) unanswered(t *turn, err error) (again bool, _ error) {
	c.runner.queue.Release(t.member)
	outcome := relay.Unbegun
	switch {
	case c.R.Context().Err() != nil:
		return false, relay.ErrClientGone
	case t.worker != nil && (errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, net.ErrClosed)):
		t.worker.suspect(err)
		outcome = relay.Requeued // there is one worker less to try
	case errors.Is(err, errPut):
		outcome = relay.Requeued
	}
	if c.Again(outcome, err) {
		return true, nil
	}
	if t.worker == nil {
		err = notReachable(modgw.Address(c.Config.Descriptor.FastCGI.Connect), err)
	}
	return false, err
}

// isViolation reports whether a program does not speak FastCGI as it must.
func isViolation(err error) bool {
	var broke *protocolError
	return errors.As(err, &broke) || errors.Is(err, fcgi.ErrVersion)
}
