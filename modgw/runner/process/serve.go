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
	"github.com/modgw/modgw/modgw/runner/crew"
	"github.com/modgw/modgw/modgw/runner/queue"
	"github.com/modgw/modgw/modgw/spool"
)

// maxTries is how often a request is given to a worker; more than once only when no program can have seen it, or when
// seeing it twice does no harm.
const maxTries = 3

var errOverdue = errors.New("the request's time is over")

// exchange is one request on its way through the runner, and its response. It implements [http.RoundTripper] for the
// proxy that does the work.
type exchange struct {
	runner *Runner
	w      *client
	r      *http.Request
	info   *modgw.RequestInfo
	upload *upload // nil without a body
	clock  clock
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
	// The proxy would panic by itself when a response breaks off, but only for requests of net/http's own server.
	ctx = context.WithValue(ctx, http.ServerContextKey, nil)
	e := &exchange{runner: r, r: req, info: modgw.RequestInfoOf(req), ctx: ctx, cancel: cancel}
	e.w = &client{ResponseWriter: w, controller: http.NewResponseController(w)}
	defer e.end()
	limit := r.config.Descriptor.Limits.Body
	if limit > 0 && req.ContentLength > limit {
		e.fail(http.StatusRequestEntityTooLarge, bodyTooLarge(limit))
		return
	}
	if req.ContentLength != 0 && req.Body != nil && req.Body != http.NoBody {
		_ = e.w.controller.EnableFullDuplex() // of fronts, only HTTP/1 has to be told
		e.upload = newUpload(e.w.controller, req, limit, &e.clock)
	}
	upgradeable, fault := e.upgrade()
	if fault != nil {
		w.Header().Set("Upgrade", "websocket")
		e.fail(http.StatusUpgradeRequired, fault)
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
	if e.upload != nil {
		out.Body = e.upload
	}
	for tries := 1; ; tries++ {
		m, err := e.runner.queue.Acquire(out.Context())
		if err != nil {
			return nil, err
		}
		e.member = m
		e.worker().Began()
		e.worker().pulse.begin()
		e.began = time.Now()
		e.clock.start(e.runner.config.Descriptor.Timeouts.Request, func() { e.cancel(errOverdue) })
		w := m.Value.(*worker)
		e.conn = nil
		response, err := w.upstream.transport.RoundTrip(out)
		if err == nil || out.Context().Err() != nil {
			return response, err
		}
		// The transport sends a request again by itself, to the same worker, when a connection broke that was kept.
		unsent := isUnsent(err) && e.conn == nil
		if errors.Is(err, syscall.ECONNREFUSED) {
			w.suspect(err)
		}
		if tries == maxTries || !unsent && (tries > 1 || !e.mayRepeat(err) || w.CrashedWith(e.request())) {
			return nil, err
		}
		w.Log.Info("request given to another worker", "request", e.info.ID, "reason", err)
		e.release()
	}
}

// mayRepeat reports whether a request whose connection broke may be sent to another worker (RFC 9110, 9.2.2).
func (e *exchange) mayRepeat(err error) bool {
	switch e.r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return e.upload == nil && (isLost(err) || isUnsent(err))
	}
	return false
}

// isLost reports whether an error means that the connection ended before there was a response.
func isLost(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) ||
		err.Error() == "http: server closed idle connection"
}

func (e *exchange) gotConn(info httptrace.GotConnInfo) {
	e.conn = info.Conn.(*conn)
	log, id, method, path := e.runner.config.Log, e.info.ID, e.r.Method, proc.Printable(e.info.Path)
	e.conn.next.Store(&expected{isHead: e.r.Method == http.MethodHead, beyond: func() {
		log.Error("the response was longer than its Content-Length", "request", id, "method", method, "path", path)
	}})
}

// receive takes the head of a response.
func (e *exchange) receive(response *http.Response) error {
	header := response.Header
	e.worker().answers()
	if response.StatusCode == http.StatusSwitchingProtocols {
		e.clock.stop()
		e.upgraded = true
		e.tunnel(response)
		return nil
	}
	e.answer = &answer{ReadCloser: response.Body, clock: &e.clock, cancel: e.cancel, release: e.release}
	config := e.runner.config
	response.Body = keptBody{
		spool.NewReadAhead(e.answer, config.Spool, config.Descriptor.Spool.Response, e.notKept), e.answer,
	}
	e.clock.pause() // but while the response is read
	e.announce(header)
	if isEventStream(header) {
		e.clock.stop() // the time limit is for responses that are meant to end
		e.answer.forget = e.worker().OnReplaced(e.info, e.answer.replace)
	}
	return nil
}

// announce says in the head of a response that the connection cannot be used again, when the rest of the body is still in
// it.
func (e *exchange) announce(header http.Header) {
	if _, err := e.upload.state(); err != io.EOF {
		header.Set("Connection", "close")
	}
}

// refuse answers a request that got no response.
func (e *exchange) refuse(_ http.ResponseWriter, _ *http.Request, err error) {
	e.failed = true
	ctx := e.r.Context()
	if ctx.Err() != nil {
		panic(http.ErrAbortHandler)
	}
	d := e.runner.config.Descriptor
	_, unread := e.upload.state()
	switch {
	case e.overdue():
		e.fail(http.StatusGatewayTimeout, overdue(d.Timeouts.Request))
	case e.member == nil:
		e.fail(http.StatusServiceUnavailable, queue.Fault(err, d.Queue))
	case errors.Is(unread, errTooLarge):
		e.fail(http.StatusRequestEntityTooLarge, bodyTooLarge(d.Limits.Body))
	case unread != nil && unread != io.EOF && unread != errHalted:
		e.fail(http.StatusBadRequest, bodyIncomplete(unread))
	case isUnsent(err), isLost(err):
		if e.conn != nil {
			e.worker().CrashedWith(e.request())
		}
		e.fail(http.StatusBadGateway, noAnswer(e.worker().Why(), err))
	default:
		e.fail(http.StatusBadGateway, badAnswer(err))
	}
}

// isUnsent reports whether an error means that there was nobody to send the request to.
func isUnsent(err error) bool {
	_, ok := errors.AsType[*dialError](err)
	return ok
}

// overdue reports whether the request has used up its time.
func (e *exchange) overdue() bool { return context.Cause(e.ctx) == errOverdue }

// complete sees that a response which broke off does not look complete to the client.
func (e *exchange) complete() {
	if e.answer.complete {
		return
	}
	err := e.answer.err
	switch {
	case e.r.Context().Err() != nil || err == nil || context.Cause(e.ctx) == errClientGone:
		panic(http.ErrAbortHandler) // the client has gone
	case e.overdue():
		e.cutOff(overdue(e.runner.config.Descriptor.Timeouts.Request))
	case e.worker().CrashedWith(e.request()):
		e.cutOff(noAnswer(e.worker().Why(), err))
	default:
		e.cutOff(badAnswer(err))
	}
}

// fail answers with a fault.
func (e *exchange) fail(status int, f *modgw.Fault) {
	e.failed = true
	e.log(status, false, f)
	e.announce(e.w.Header())
	modgw.ServeFault(e.w.ResponseWriter, e.r, status, f, e.runner.config.Dev)
}

// cutOff ends a response whose head was sent.
func (e *exchange) cutOff(f *modgw.Fault) {
	e.log(http.StatusBadGateway, true, f)
	panic(http.ErrAbortHandler)
}

func (e *exchange) log(status int, cutOff bool, f *modgw.Fault) {
	log := e.runner.config.Log.Error
	if status < http.StatusInternalServerError {
		log = e.runner.config.Log.Info
	}
	log("request failed", "request", e.info.ID, "method", e.r.Method, "path", proc.Printable(e.info.Path),
		"status", status, "cut_off", cutOff, "code", f.Code, "error", proc.Printable(f.Line()))
}

// notKept logs that a response waits for its client because there is no file to keep it in.
func (e *exchange) notKept(err error) {
	e.runner.config.Log.Warn("response not kept for a slow client", "request", e.info.ID, "reason", err)
}

// end lets go of everything.
func (e *exchange) end() {
	e.clock.stop()
	if e.answer != nil && e.answer.forget != nil {
		e.answer.forget()
	}
	if e.leave != nil {
		e.leave()
	}
	e.upload.stop()
	e.release()
}

// request is what log and status call it.
func (e *exchange) request() crew.Request {
	return crew.Request{ID: e.info.ID, Method: e.r.Method, Path: e.info.Path}
}

// unanswered reports whether the time of the request, or the patience of its client, has ended before its response began.
func (e *exchange) unanswered() bool { return e.answer == nil && !e.upgraded && e.ctx.Err() != nil }

// worker is the one whose place the exchange has.
func (e *exchange) worker() *worker { return e.member.Value.(*worker) }

// release gives the place back.
func (e *exchange) release() {
	if e.member != nil {
		e.worker().Finished()
		if limit := e.runner.config.Descriptor.Timeouts.Request; limit > 0 && e.conn != nil && e.unanswered() {
			e.worker().watchOver(e.info.ID, e.began, limit)
		}
		e.runner.queue.Release(e.member)
		e.member = nil
	}
}
