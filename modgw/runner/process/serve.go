package process

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/http/httputil"
	"syscall"
	"time"

	"github.com/modgw/modgw/internal/proc"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/runner/queue"
	"github.com/modgw/modgw/modgw/runner/relay"
	"github.com/modgw/modgw/modgw/spool"
)

// call is one request on its way through the runner, and its response. It implements
// [http.RoundTripper] for the proxy that does the work.
type call struct {
	*relay.Request
	runner *Runner
	w      *client
	clock  relay.Clock
	ctx    context.Context // the context of the request to the program; done when the call ends
	cancel context.CancelCauseFunc

	member *queue.Member // the worker whose place it has; nil for none
	began  time.Time     // when it got that place
	conn   *conn         // brings the response; nil before the request is sent
	state  state
	answer *answer // the body of the response; nil unless the state is answering
	leave  func()  // releases the resources of a tunnel; nil: none
}

// state is the progress of the answer.
type state int

const (
	waiting   state = iota // for the head of a response
	answering              // the response is passed on
	upgraded               // the connection belongs to another protocol
	refused                // the host has answered with a fault
)

// ServeHTTP implements [modgw.Runner].
func (r *Runner) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	ctx, cancel := context.WithCancelCause(req.Context())
	defer cancel(nil)
	// The proxy would panic by itself when a response breaks off, but only for requests of
	// net/http's own server.
	ctx = context.WithValue(ctx, http.ServerContextKey, nil)
	c := &call{Request: relay.New(w, req, &r.config), runner: r, ctx: ctx, cancel: cancel}
	c.w = &client{ResponseWriter: w, controller: http.NewResponseController(w)}
	defer c.end()
	if err := c.Open(relay.KeepNothing); err != nil {
		c.Conclude(err)
		return
	}
	c.Body.Stream(&c.clock)
	upgradeable, err := c.upgrade()
	if err != nil {
		w.Header().Set("Upgrade", "websocket")
		c.Conclude(err)
		return
	}
	if !upgradeable {
		req = req.Clone(ctx)
		req.Header.Del("Upgrade")
	}
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: c.gotConn})
	proxy := httputil.ReverseProxy{
		Transport:      c,
		Rewrite:        c.rewrite,
		ModifyResponse: c.receive,
		ErrorHandler:   c.refuse,
		FlushInterval:  flushInterval,
		ErrorLog:       silent,
		BufferPool:     copyBuffers,
	}
	proxy.ServeHTTP(c.w, req.WithContext(ctx))
	if c.state == answering {
		c.complete()
	}
}

// RoundTrip sends the request to a worker, or to another one if that does no harm.
func (c *call) RoundTrip(out *http.Request) (*http.Response, error) {
	if !c.Body.IsReceived() {
		out.Body = io.NopCloser(c.Body) // which is the front's, and may be sent again
	}
	for {
		m, err := c.runner.queue.Acquire(out.Context())
		if err != nil {
			return nil, err
		}
		c.member = m
		w := c.worker()
		w.Began()
		w.pulse.begin()
		c.Tried(w.Worker)
		c.began = time.Now()
		c.clock.Start(c.Config.Descriptor.Timeouts.Request, func() { c.cancel(relay.ErrOverdue) })
		c.conn = nil
		response, err := w.upstream.transport.RoundTrip(out)
		if err == nil || out.Context().Err() != nil {
			return response, err
		}
		if errors.Is(err, syscall.ECONNREFUSED) {
			w.suspect(err)
		}
		if !c.Again(c.judge(err)) {
			return nil, err
		}
		c.release()
	}
}

// judge returns the outcome that an error of the program has for the request, and the error to
// report.
func (c *call) judge(err error) (relay.Outcome, error) {
	outcome := relay.OutcomeOf(err)
	switch {
	case outcome != relay.WorkerLost:
	case isUnsent(err) && c.conn == nil:
		// The transport sends a request again by itself, to the same worker, when a connection
		// broke that was kept.
		outcome = relay.Unbegun
	case !isUnsent(err) && !isLost(err):
		failure := relay.Bad("%v", err)
		failure.Fault.Hint = "what listens there must speak HTTP/1.1"
		return failure.Outcome, failure
	}
	return outcome, err
}

// isLost reports whether an error means that the connection ended before there was a response.
func isLost(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) ||
		err.Error() == "http: server closed idle connection"
}

// isUnsent reports whether an error means that the request could not be sent to anyone.
func isUnsent(err error) bool {
	_, ok := errors.AsType[*dialError](err)
	return ok
}

func (c *call) gotConn(info httptrace.GotConnInfo) {
	c.Body.Spend()
	c.conn = info.Conn.(*conn)
	log, id, method, path := c.Config.Log, c.Info.ID, c.R.Method, proc.Printable(c.Info.Path)
	c.conn.next.Store(&expected{isHead: c.R.Method == http.MethodHead, beyond: func() {
		log.Error("the response was longer than its Content-Length", "request", id, "method", method, "path", path)
	}})
}

// receive takes the head of a response.
func (c *call) receive(response *http.Response) error {
	header := response.Header
	c.worker().answers()
	if response.StatusCode == http.StatusSwitchingProtocols {
		c.clock.Stop()
		c.state = upgraded
		c.tunnel(response)
		return nil
	}
	c.state = answering
	c.answer = &answer{ReadCloser: response.Body, clock: &c.clock, cancel: c.cancel, release: c.release}
	response.Body = keptBody{
		spool.NewReadAhead(c.answer, c.Config.Spool, c.Config.Descriptor.Spool.Response, c.NotKept), c.answer,
	}
	c.clock.Pause() // but while the response is read
	c.Begin(header)
	if modgw.IsEventStream(header) {
		c.clock.Stop() // the time limit is for responses that are meant to end
		c.answer.forget = c.OnReplaced(nil, c.answer.replace)
	}
	return nil
}

// refuse answers a request that got no response.
func (c *call) refuse(_ http.ResponseWriter, _ *http.Request, err error) {
	c.state = refused
	if cause := c.cause(); cause != nil {
		err = cause
	}
	_, err = c.judge(err)
	c.Conclude(err)
}

// complete sees that a response which broke off does not look complete to the client.
func (c *call) complete() {
	err := c.answer.err
	switch cause := c.cause(); {
	case c.answer.replaced.Load():
		err = relay.ErrReplaced
	case c.answer.complete:
		err = nil
	case cause != nil:
		err = cause
	case err == nil:
		err = relay.ErrClientGone // it was not written to the end
	case !c.Crashed() && !c.Worker.Ending():
		err = relay.Bad("%v", err)
	}
	c.Conclude(err)
}

// cause is why the host, or the client, has ended the call; nil when neither did. A client that
// ends its body too early may still wait for an answer.
func (c *call) cause() error {
	if err := c.Body.Err(); err != nil {
		return err
	}
	if c.R.Context().Err() != nil {
		return relay.ErrClientGone
	}
	return context.Cause(c.ctx)
}

// end releases everything.
func (c *call) end() {
	c.clock.Stop()
	if c.answer != nil && c.answer.forget != nil {
		c.answer.forget()
	}
	if c.leave != nil {
		c.leave()
	}
	c.Body.Stop()
	c.release()
}

// unanswered reports whether the time of the request, or the patience of its client, has ended
// before its response began.
func (c *call) unanswered() bool { return c.answer == nil && c.state != upgraded && c.ctx.Err() != nil }

// worker returns the worker on which the call has a place.
func (c *call) worker() *worker { return c.member.Value.(*worker) }

// release gives the place back.
func (c *call) release() {
	if c.member != nil {
		c.worker().Finished()
		if limit := c.Config.Descriptor.Timeouts.Request; limit > 0 && c.conn != nil && c.unanswered() {
			c.worker().watchOver(c.Info.ID, c.began, limit)
		}
		c.runner.queue.Release(c.member)
		c.member = nil
	}
}
