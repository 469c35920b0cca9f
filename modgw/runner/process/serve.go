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
	"github.com/modgw/modgw/modgw/runner/queue"
	"github.com/modgw/modgw/modgw/runner/relay"
	"github.com/modgw/modgw/modgw/spool"
)

// exchange is one request on its way through the runner, and its response. It implements
// [http.RoundTripper] for the proxy that does the work.
type exchange struct {
	*relay.Request
	runner *Runner
	w      *client
	clock  relay.Clock
	ctx    context.Context // of the request to the program; ends with the exchange
	cancel context.CancelCauseFunc

	member   *queue.Member // whose place it has; nil for none
	began    time.Time     // when it got that
	conn     *conn         // that the response comes on
	answer   *answer       // the response's body; nil before there is one
	upgraded bool
	leave    func() // ends what a tunnel needs; nil without one
	failed   bool   // it was answered with a fault
}

// ServeHTTP implements [modgw.Runner].
func (r *Runner) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	ctx, cancel := context.WithCancelCause(req.Context())
	defer cancel(nil)
	// The proxy would panic by itself when a response breaks off, but only for requests of
	// net/http's own server.
	ctx = context.WithValue(ctx, http.ServerContextKey, nil)
	e := &exchange{Request: relay.New(w, req, &r.config), runner: r, ctx: ctx, cancel: cancel}
	e.w = &client{ResponseWriter: w, controller: http.NewResponseController(w)}
	defer e.end()
	if err := e.Open(relay.KeepNothing); err != nil {
		e.Conclude(err)
		return
	}
	e.Body.Stream(&e.clock)
	upgradeable, err := e.upgrade()
	if err != nil {
		w.Header().Set("Upgrade", "websocket")
		e.Conclude(err)
		return
	}
	if !upgradeable {
		req = req.Clone(ctx)
		req.Header.Del("Upgrade")
	}
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: e.gotConn})
	proxy := httputil.ReverseProxy{
		Transport:      e,
		Rewrite:        e.rewrite,
		ModifyResponse: e.receive,
		ErrorHandler:   e.refuse,
		FlushInterval:  flushInterval,
		ErrorLog:       silent,
		BufferPool:     copyBuffers,
	}
	proxy.ServeHTTP(e.w, req.WithContext(ctx))
	if !e.failed && !e.upgraded {
		e.complete()
	}
}

// RoundTrip gives the request to a worker, or to another one when that does no harm.
func (e *exchange) RoundTrip(out *http.Request) (*http.Response, error) {
	if !e.Body.IsReceived() {
		out.Body = io.NopCloser(e.Body) // which is the front's, and may be sent again
	}
	for {
		m, err := e.runner.queue.Acquire(out.Context())
		if err != nil {
			return nil, err
		}
		e.member = m
		w := e.worker()
		w.Began()
		w.pulse.begin()
		e.Tried(w.Worker)
		e.began = time.Now()
		e.clock.Start(e.Config.Descriptor.Timeouts.Request, func() { e.cancel(relay.ErrOverdue) })
		e.conn = nil
		response, err := w.upstream.transport.RoundTrip(out)
		if err == nil || out.Context().Err() != nil {
			return response, err
		}
		if errors.Is(err, syscall.ECONNREFUSED) {
			w.suspect(err)
		}
		if !e.Again(e.judge(err)) {
			return nil, err
		}
		e.release()
	}
}

// judge finds out what an error of the program means for the request, and what to tell of it.
func (e *exchange) judge(err error) (relay.Outcome, error) {
	outcome := relay.OutcomeOf(err)
	switch {
	case outcome != relay.WorkerLost:
	case isUnsent(err) && e.conn == nil:
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

// isUnsent reports whether an error means that there was nobody to send the request to.
func isUnsent(err error) bool {
	_, ok := errors.AsType[*dialError](err)
	return ok
}

func (e *exchange) gotConn(info httptrace.GotConnInfo) {
	e.Body.Spend()
	e.conn = info.Conn.(*conn)
	log, id, method, path := e.Config.Log, e.Info.ID, e.R.Method, proc.Printable(e.Info.Path)
	e.conn.next.Store(&expected{isHead: e.R.Method == http.MethodHead, beyond: func() {
		log.Error("the response was longer than its Content-Length", "request", id, "method", method, "path", path)
	}})
}

// receive takes the head of a response.
func (e *exchange) receive(response *http.Response) error {
	header := response.Header
	e.worker().answers()
	if response.StatusCode == http.StatusSwitchingProtocols {
		e.clock.Stop()
		e.upgraded = true
		e.tunnel(response)
		return nil
	}
	e.answer = &answer{ReadCloser: response.Body, clock: &e.clock, cancel: e.cancel, release: e.release}
	response.Body = keptBody{
		spool.NewReadAhead(e.answer, e.Config.Spool, e.Config.Descriptor.Spool.Response, e.NotKept), e.answer,
	}
	e.clock.Pause() // but while the response is read
	e.Begin(header)
	if relay.IsEventStream(header) {
		e.clock.Stop() // the time limit is for responses that are meant to end
		e.answer.forget = e.OnReplaced(e.answer.replace)
	}
	return nil
}

// refuse answers a request that got no response.
func (e *exchange) refuse(_ http.ResponseWriter, _ *http.Request, err error) {
	e.failed = true
	if cause := e.cause(); cause != nil {
		err = cause
	}
	_, err = e.judge(err)
	e.Conclude(err)
}

// complete sees that a response which broke off does not look complete to the client.
func (e *exchange) complete() {
	err := e.answer.err
	switch cause := e.cause(); {
	case e.answer.replaced.Load():
		err = relay.ErrReplaced
	case e.answer.complete:
		err = nil
	case cause != nil:
		err = cause
	case err == nil:
		err = relay.ErrClientGone // it was not written to the end
	case !e.Crashed() && !e.Worker.Ending():
		err = relay.Bad("%v", err)
	}
	e.Conclude(err)
}

// cause is why the host, or the client, has ended the exchange; nil when neither did. A client that
// ends its body too early may still wait for an answer.
func (e *exchange) cause() error {
	if err := e.Body.Err(); err != nil {
		return err
	}
	if e.R.Context().Err() != nil {
		return relay.ErrClientGone
	}
	return context.Cause(e.ctx)
}

// end lets go of everything.
func (e *exchange) end() {
	e.clock.Stop()
	if e.answer != nil && e.answer.forget != nil {
		e.answer.forget()
	}
	if e.leave != nil {
		e.leave()
	}
	e.Body.Stop()
	e.release()
}

// unanswered reports whether the time of the request, or the patience of its client, has ended
// before its response began.
func (e *exchange) unanswered() bool { return e.answer == nil && !e.upgraded && e.ctx.Err() != nil }

// worker is the one whose place the exchange has.
func (e *exchange) worker() *worker { return e.member.Value.(*worker) }

// release gives the place back.
func (e *exchange) release() {
	if e.member != nil {
		e.worker().Finished()
		if limit := e.Config.Descriptor.Timeouts.Request; limit > 0 && e.conn != nil && e.unanswered() {
			e.worker().watchOver(e.Info.ID, e.began, limit)
		}
		e.runner.queue.Release(e.member)
		e.member = nil
	}
}
