package fastcgi

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"syscall"
	"time"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/fcgi"
	"github.com/modgw/modgw/modgw/runner/crew"
	"github.com/modgw/modgw/modgw/runner/exchange"
	"github.com/modgw/modgw/modgw/runner/queue"
)

// maxTries is how often a request is given to a program; more than once only when the program cannot have begun it, or
// when beginning it twice does no harm.
const maxTries = 3

// call is one request on its way through the runner.
type call struct {
	*exchange.Exchange
	runner *Runner
	body   *exchange.Body
	head   []byte // its variables
	tries  int
	local  string // what is to be answered instead, as the program says
}

// ServeHTTP implements [modgw.Runner].
func (r *Runner) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	c := &call{
		Exchange: &exchange.Exchange{W: w, R: req, Info: modgw.RequestInfoOf(req), Config: &r.config},
		runner:   r,
	}
	if !c.prepare() {
		return
	}
	defer func() {
		if c.body != nil {
			c.body.Close()
		}
	}()
	for c.try() {
	}
	if c.local != "" {
		c.Info.Redirect(w, req, c.local)
	}
}

// prepare reads what the request has, and reports whether it can be given to a program.
func (c *call) prepare() bool {
	where, err := c.runner.locate(c.Info)
	if errors.Is(err, errSlash) {
		addSlash(c.Exchange)
		return false
	}
	if errors.Is(err, errFile) {
		c.runner.public.Serve(c.W, c.R, c.Info.Path, c.Info.PathInfo)
		return false
	}
	if err == nil {
		c.body, err = exchange.ReadBody(c.R, c.Config)
	}
	if failure, failed := errors.AsType[*exchange.Failure](err); failed {
		c.Fail(c.Config.Log, failure)
		return false
	}
	if c.head = c.params(where, c.body.Length); len(c.head) > maxParams {
		c.body.Close()
		c.Fail(c.Config.Log, headTooLarge(len(c.head)))
		return false
	}
	return true
}

// turn is a call's turn at a program.
type turn struct {
	target
	member *queue.Member
	conn   *conn
	stream *stream
	feeder *exchange.Feeder // nil without a body

	finished bool // the place was given back
}

// try gives the request to a program and passes the response on. It reports whether to try again.
func (c *call) try() (again bool) {
	ctx := c.R.Context()
	m, err := c.runner.queue.Acquire(ctx)
	if err != nil {
		c.refuse(err)
		return false
	}
	c.tries++
	if w := m.Value.(target).worker; w != nil {
		w.Began()
	}
	t := &turn{target: m.Value.(target), member: m, stream: newStream(c.runner.stderr, c.Config.Descriptor.Timeouts.Request)}
	if t.conn, err = t.program.open(ctx, t.stream, c.IsSafe()); err != nil {
		return c.unanswered(t, err)
	}
	unwatch := context.AfterFunc(ctx, func() { t.stream.pipe.Cut(context.Canceled) })
	err = c.exchange(t)
	unwatch()
	return c.conclude(t, err)
}

// exchange sends the request and passes the response on.
func (c *call) exchange(t *turn) error {
	s := t.stream
	if err := s.open(c.head, c.body.Length <= 0); err != nil {
		return err
	}
	if c.body.Length > 0 {
		t.feeder = exchange.Feed(c.body, s, c.W, c.R)
		defer t.feeder.Stop()
	}
	in := bufio.NewReader(s.pipe)
	head, err := exchange.ReadHead(in)
	if err != nil {
		return err
	}
	if head.Local != "" {
		c.local = head.Local
		_, err = io.Copy(io.Discard, in)
		return err
	}
	response := &exchange.Response{Head: head, Pipe: s.pipe, Body: in, Feeder: t.feeder}
	if t.worker != nil {
		response.OnReplaced = func(end func()) (cancel func()) { return t.worker.OnReplaced(c.Info, end) }
	}
	response.Release = func() { c.releaseEarly(t, response) }
	err = c.Send(response)
	if err == nil && t.feeder != nil && !t.feeder.Ended() {
		_ = http.NewResponseController(c.W).Flush() // the client may wait for it before it sends on
	}
	return err
}

// conclude lets go of the program, and answers the request if nobody has. It reports whether to try again.
func (c *call) conclude(t *turn, err error) (again bool) {
	if err == nil {
		c.finish(t)
		return false
	}
	c.local = ""
	log := c.log(t)
	var unsent errUnsent
	if failure, failed := errors.AsType[*exchange.Failure](err); failed {
		c.giveUp(t, err)
		c.Fail(log, failure)
		return false
	}
	switch {
	case errors.Is(err, exchange.ErrOverdue), errors.Is(err, os.ErrDeadlineExceeded):
		limit := c.Config.Descriptor.Timeouts.Request
		if t.worker != nil {
			t.worker.Want("request \"" + c.Info.ID + "\" took longer than " + limit.String())
		}
		c.giveUp(t, exchange.ErrOverdue)
		c.Fail(log, exchange.Overdue(limit))
	case errors.Is(err, exchange.ErrReplaced):
		c.giveUp(t, err) // an end that the client can see, after which it connects again
	case errors.Is(err, exchange.ErrClientGone), errors.Is(err, context.Canceled):
		c.giveUp(t, exchange.ErrClientGone)
		log.Debug("request abandoned", "request", c.Info.ID, "reason", err)
		panic(http.ErrAbortHandler)
	case errors.Is(err, errCannotMpx) && t.conn.mpxs && !c.Sent && c.body.Repeatable() && c.tries < maxTries:
		t.program.noMpxs()
		c.finish(t)
		return true
	case errors.Is(err, errOverloaded), errors.Is(err, errCannotMpx), errors.Is(err, errRole):
		c.finish(t)
		c.Fail(log, refused(err))
	case isViolation(err):
		c.finish(t)
		c.Fail(log, brokeProtocol(err))
	default:
		c.finish(t)
		return c.lost(t, err, errors.As(err, &unsent))
	}
	return false
}

// releaseEarly gives the place back before the client has the response. While the client may still send, that would end the
// connection before what it has not got yet; then only a client that is slow does not keep the place.
func (c *call) releaseEarly(t *turn, response *exchange.Response) {
	if t.feeder != nil {
		if !t.feeder.Ended() && !response.Behind() {
			return
		}
		t.feeder.Stop()
	}
	c.finish(t)
}

// finish gives the place back, once, of a request that the program has ended, or with which the connection did.
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
		keep = t.letGo() && keep
	}
	t.program.put(t.conn, keep)
	c.runner.release(t)
}

// letGo ends a feeder, and reports whether the connection can be used again. What the program has not read of the body by
// now it never will: only one that takes several requests on a connection tells them apart.
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

// giveUp leaves the program to itself with a request that nobody wants any more, until it has noticed. For a process of ours
// the request's time goes on until then. One that took too long is stuck, perhaps: its place goes to nobody until the process
// has ended, which was asked for.
func (c *call) giveUp(t *turn, cause error) {
	if t.finished {
		return
	}
	body := c.body
	c.body = nil // it may still be on its way to the program
	id := c.Info.ID
	c.runner.later(func() {
		overdue := errors.Is(cause, exchange.ErrOverdue)
		if t.worker != nil && !overdue {
			t.stream.tellAbort(cause)
			if overdue = !t.stream.await(cause, c.runner.halt, t.worker.Done()); overdue {
				t.worker.Want("request \"" + id + "\", whose client has gone, took longer than " + c.Config.Descriptor.Timeouts.Request.String())
			}
		} else {
			t.stream.abort(cause)
		}
		if t.feeder != nil {
			t.letGo()
		}
		body.Close()
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

// unanswered lets go of a program that accepts no connection. One of ours that has closed its socket is ending, and gets no
// more requests; one that was retired in this moment goes on with those that it has.
func (c *call) unanswered(t *turn, err error) (again bool) {
	ending := t.worker != nil && (errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, net.ErrClosed))
	if ending {
		t.worker.suspect(err)
	}
	c.runner.queue.Release(t.member)
	if c.R.Context().Err() != nil {
		panic(http.ErrAbortHandler)
	}
	if ending || errors.Is(err, errPut) {
		c.tries-- // there is one worker less to try
	}
	return c.lost(t, err, true)
}

// lost answers a request whose program was lost, or has it tried again.
func (c *call) lost(t *turn, err error, unsent bool) (again bool) {
	crashed := !unsent && t.worker != nil && t.worker.CrashedWith(c.request())
	// A program that resets the connection has not read all that it was sent.
	harmless := !crashed && c.IsSafe() && (c.tries == 1 || errors.Is(err, syscall.ECONNRESET))
	repeatable := c.body.Repeatable() && !c.Sent && (unsent || harmless)
	if repeatable && c.tries < maxTries {
		c.log(t).Info("request given to the program again", "request", c.Info.ID, "reason", err)
		return true
	}
	switch {
	case t.worker != nil:
		failure := exchange.Died(t.worker.Why())
		failure.Fault.Err = err
		c.Fail(c.log(t), failure)
	case unsent:
		address := modgw.Address(c.Config.Descriptor.FastCGI.Connect)
		c.Fail(c.log(t), &exchange.Failure{Status: http.StatusBadGateway, Fault: notReachable(address, err)})
	default:
		c.Fail(c.log(t), exchange.Died(err.Error()))
	}
	return false
}

// request is what log and status call it.
func (c *call) request() crew.Request {
	return crew.Request{ID: c.Info.ID, Method: c.R.Method, Path: c.Info.Path}
}

// refuse answers a request that got no place.
func (c *call) refuse(err error) {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		panic(http.ErrAbortHandler)
	}
	c.Fail(c.Config.Log, &exchange.Failure{
		Status: http.StatusServiceUnavailable, Fault: queue.Fault(err, c.Config.Descriptor.Queue),
	})
}

// log is that of the worker whose turn it is.
func (c *call) log(t *turn) *slog.Logger {
	if t.worker != nil {
		return t.worker.Log
	}
	return c.Config.Log
}

// isViolation reports whether a program does not speak FastCGI as it must.
func isViolation(err error) bool {
	var broke *protocolError
	return errors.As(err, &broke) || errors.Is(err, fcgi.ErrVersion)
}
