package cgi

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/runner/exchange"
	"github.com/modgw/modgw/modgw/runner/queue"
)

// maxEnvironment is how long a script's environment may be: the kernel wants the rest of the 2 MiB or so that it has for
// it and the arguments (execve(2)); one variable alone may have 128 KiB.
const maxEnvironment = 1 << 20

// call is one request on its way through the runner.
type call struct {
	*exchange.Exchange
	runner  *Runner
	where   location
	body    *exchange.Body
	environ []string
	local   string // what is to be answered instead, as the script says
	gone    bool   // letGo was called
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
	member, err := r.queue.Acquire(req.Context())
	if err != nil {
		c.body.Close()
		c.refuse(err)
		return
	}
	c.run(func() { r.queue.Release(member) })
	if c.local != "" {
		c.Info.Redirect(w, req, c.local)
	}
}

// prepare reads what the request has, and reports whether a script can be run for it.
func (c *call) prepare() bool {
	var err error
	if c.where, err = c.runner.scripts.locate(c.Info); err == nil {
		c.body, err = exchange.ReadBody(c.R, c.Config)
	}
	if failure, failed := errors.AsType[*exchange.Failure](err); failed {
		c.Fail(c.Config.Log, failure)
		return false
	}
	var ok bool
	if c.environ, ok = c.environment(); !ok {
		c.body.Close()
		c.Fail(c.Config.Log, headTooLarge())
	}
	return ok
}

// run runs the script and passes its response on. release is called when the process has ended.
func (c *call) run(release func()) {
	s, err := c.launch()
	if err != nil {
		release()
		c.body.Close()
		if errors.Is(err, queue.ErrClosed) {
			c.refuse(err)
			return
		}
		c.Fail(c.Config.Log, c.runner.notStarted(c.where.file, err))
		return
	}
	unwatch := context.AfterFunc(c.R.Context(), func() { s.pipe.Cut(context.Canceled) })
	var feeder *exchange.Feeder
	if s.stdin != nil {
		feeder = exchange.Feed(c.body, s, c.W, c.R)
	}
	err = c.respond(s, feeder, func() { c.letGo(s, feeder, nil, release) })
	unwatch()
	if feeder != nil {
		if err == nil && !feeder.Ended() {
			_ = http.NewResponseController(c.W).Flush() // the client may wait for it before it sends on
		}
		feeder.Stop()
	}
	c.letGo(s, feeder, err, release)
	c.conclude(s, err)
}

// respond passes the response on. gone is called when the script has said all; the client may not have it yet.
func (c *call) respond(s *script, feeder *exchange.Feeder, gone func()) error {
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
	response := &exchange.Response{Head: head, Pipe: s.pipe, Body: in, Feeder: feeder}
	response.Release = func() {
		switch {
		case feeder == nil:
		case !feeder.Ended() && !response.Behind():
			return // stopping it would end the connection before the client has the response
		default:
			feeder.Stop()
		}
		gone()
	}
	return c.Send(response)
}

// letGo sees to it that a script's place goes to another one when it has ended. One whose response was complete ends by
// itself; another one is told to. When another request is to be answered instead, the place must be free for that.
func (c *call) letGo(s *script, feeder *exchange.Feeder, cause error, release func()) {
	if c.gone {
		return
	}
	c.gone = true
	end := func() {
		if cause != nil {
			s.pipe.Cut(cause)
			s.process.Terminate(c.Config.Descriptor.Timeouts.Stop)
		}
		c.awaitEnd(s)
		s.close()
		<-s.read
		if feeder != nil {
			<-feeder.Done()
		}
		c.body.Close()
		release()
	}
	if c.local != "" || !c.runner.later(end) {
		end()
	}
}

// awaitEnd waits for the end of a script, which may go on for a while after its response.
func (c *call) awaitEnd(s *script) {
	var tooLong <-chan time.Time
	if limit := c.Config.Descriptor.Timeouts.Request; limit > 0 {
		timer := time.NewTimer(limit)
		defer timer.Stop()
		tooLong = timer.C
	}
	select {
	case <-s.process.Done():
	case <-tooLong:
		s.process.Terminate(c.Config.Descriptor.Timeouts.Stop)
	}
	if exit := s.process.Exit(); exit.Code != 0 {
		c.Config.Log.Warn("script failed", "script", c.where.Name, "request", c.Info.ID, "reason", exit.String())
	}
}

// conclude answers the request if nobody has.
func (c *call) conclude(s *script, err error) {
	log := c.Config.Log.With("script", c.where.Name)
	failure, failed := errors.AsType[*exchange.Failure](err)
	switch {
	case err == nil:
		return
	case failed:
		select {
		case <-s.process.Done():
			if exit := s.process.Exit(); exit.Code != 0 && !c.Sent {
				failure = exchange.Died(exit.String())
			}
		default:
		}
		failure.Fault.Output = s.output.String()
		c.Fail(log, failure)
	case errors.Is(err, errKilled):
		failure = exchange.Died(s.process.Exit().String())
		failure.Fault.Output = s.output.String()
		c.Fail(log, failure)
	case errors.Is(err, exchange.ErrOverdue):
		c.Fail(log, exchange.Overdue(c.Config.Descriptor.Timeouts.Request))
	case errors.Is(err, exchange.ErrReplaced): // an end that the client can see, after which it connects again
	default:
		log.Debug("request abandoned", "request", c.Info.ID, "reason", err)
		panic(http.ErrAbortHandler)
	}
	c.local = ""
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

// dir is the working directory of the script: its own folder (RFC 3875, 7.2).
func (c *call) dir() string { return filepath.Dir(c.where.file) }

func split(variable string) (name, value string) {
	name, value, _ = strings.Cut(variable, "=")
	return name, value
}

func hasNUL(s string) bool { return strings.IndexByte(s, 0) >= 0 }
