package modgw

import (
	"net/http"
	"strings"
	"time"

	"github.com/modgw/modgw/modgw/appvalues"
	"github.com/modgw/modgw/modgw/meter"
)

// Outcome is the result of a request, and its timeline. Durations count from the completion of the
// request's head, except for Front; those of events that did not happen are zero.
type Outcome struct {
	// Status is the status of the response. Zero means that there was none: the client left first,
	// or the connection was broken off.
	Status int

	// Received and Bytes count the bytes read of the request's body and written of the response's.
	Received int64
	Bytes    int64

	// Broken is set for a response that was broken off.
	Broken bool

	// Upgraded is set when the connection became another protocol, such as WebSocket.
	Upgraded bool

	// Cause is the reason why the host answered in place of the app, or broke the response off: the
	// code of a fault, or [ClientGone]. It is empty for a response of the app.
	Cause string

	// App and Generation are those that had the request, even if the host answered in their place.
	// They are empty and zero if none had it.
	App        AppName
	Generation int

	// Worker is the number of the worker that got the request, the last one of Tries. Zero: none
	// did, or a program that the host has not started.
	Worker int
	Tries  int

	// PID is the id of that worker's process. Zero: it is not known.
	PID int

	// Front is the time between the web server in front and this host, if the server sends the time
	// of arrival in X-Request-Start.
	Front time.Duration

	Queued    time.Duration // until a worker could begin it
	FirstByte time.Duration // until the head of the response was written
	LastByte  time.Duration // until the worker had sent all of its response
	Took      time.Duration // until the response was written, as far as the client took it
}

// ClientGone is the cause of a request whose client closed the connection.
const ClientGone = "client gone"

// observeEnd serves a request, counts it, and calls Ended of the configuration with its outcome.
func (g *Gateway) observeEnd(w http.ResponseWriter, r *http.Request, info *RequestInfo, serve func(http.ResponseWriter)) {
	// it is answered in place of another one, which is counted
	if info.response.ResponseWriter != nil {
		serve(w)
		return
	}
	counted := &info.response
	*counted = countedResponse{ResponseWriter: w, info: info}
	returned := false
	defer func() {
		o := info.outcome(counted.status, counted.bytes)
		o.Broken, o.Upgraded = !returned, counted.upgraded
		endless := o.Upgraded || o.Took > time.Second && IsEventStream(w.Header())
		if counted.upgraded {
			info.meter(g).Upgraded.Add(-1)
		}
		counted.ResponseWriter = nil
		g.end(r, info, &o, endless)
	}()
	serve(counted)
	returned = true
}

// end counts a request and passes its outcome on.
func (g *Gateway) end(r *http.Request, info *RequestInfo, o *Outcome, endless bool) {
	if meter.Enabled {
		g.count(r, info, o, endless)
	}
	if g.config.Ended != nil {
		g.config.Ended(r, info, *o)
	}
}

// count counts a request that has ended, and keeps it if it is worth a look.
func (g *Gateway) count(r *http.Request, info *RequestInfo, o *Outcome, endless bool) {
	info.meter(g).Count(&meter.Request{
		Status: o.Status, Cause: o.Cause, Took: o.Took, Endless: endless, Given: o.Tries > 0, Queued: o.Queued,
		Front: o.Front, Received: o.Received, Sent: o.Bytes, Broken: o.Broken, Tries: o.Tries,
		Client: o.Took - o.LastByte, Address: info.RemoteAddr, Agent: userAgent(r),
	})
	if info.app != nil {
		info.app.records.note(r, info, o, endless)
		g.config.Served()
	}
}

// userAgent returns the client's description of itself, or "".
func userAgent(r *http.Request) string {
	if agent := r.Header["User-Agent"]; len(agent) > 0 {
		return agent[0]
	}
	return ""
}

// IsEventStream reports whether a response may last for ever (HTML standard, section 9.2).
func IsEventStream(header http.Header) bool {
	return strings.HasPrefix(header.Get("Content-Type"), "text/event-stream")
}

// outcome returns the outcome of a request whose response is written.
func (i *RequestInfo) outcome(status int, bytes int64) Outcome {
	o := Outcome{
		Status: status, Bytes: bytes, Received: i.received, Cause: i.cause, Worker: i.worker, PID: i.pid, Tries: i.tries,
		Queued: i.Queued(), FirstByte: i.firstByte, LastByte: i.lastByte, Took: i.elapsed(),
	}
	if !i.Sent.IsZero() {
		o.Front = max(0, i.Received.Sub(i.Sent))
	}
	if o.FirstByte == 0 && status != 0 {
		o.FirstByte = o.Took
	}
	if o.LastByte == 0 || o.LastByte > o.Took {
		o.LastByte = o.Took
	}
	if i.generation != nil {
		o.App, o.Generation = i.generation.Descriptor.Name, i.generation.Number
	}
	return o
}

// elapsed returns the time since the completion of the request's head.
func (i *RequestInfo) elapsed() time.Duration {
	if !meter.Enabled {
		return 0
	}
	return time.Since(i.Received)
}

// progress records the progress of a request, for its runner.
type progress struct {
	worker    int           // number of the worker that got the request last
	pid       int           // id of its process; 0: unknown
	tries     int           // how often a worker got it
	received  int64         // bytes of its body
	firstByte time.Duration // from the head of the request to that of the response; 0: not yet
	lastByte  time.Duration // until the worker had sent all of the response; 0: it was not noted
	cause     string        // see Outcome.Cause
}

// Give records that a worker got the request, at a time; 0 is a program that the host did not
// start. pid is the id of its process, 0 if that is not known. The event loop passes the time at
// which its turn began. The request may have come later in that turn.
func (i *RequestInfo) Give(worker, pid int, at time.Time) {
	if at.Before(i.Received) {
		at = i.Received
	}
	i.Given, i.worker, i.pid = at, worker, pid
	i.tries++
	if i.slow != nil {
		i.slow.give(worker, i.tries, at)
	}
}

// Begin notes when the worker that got the request could begin it: it may have been given another
// one before. A time before Given changes nothing.
func (i *RequestInfo) Begin(at time.Time) {
	if at.After(i.Given) {
		i.Given = at
	}
}

// Complete notes how long after the request's head a worker had sent all of the response, 0 if that
// is not known, and how many bytes of the request's body were read.
func (i *RequestInfo) Complete(sentAll time.Duration, received int64) {
	i.lastByte, i.received = sentAll, received
}

// Fail notes why the host answers in place of the app, or breaks its response off: the code of a
// fault, or [ClientGone].
func (i *RequestInfo) Fail(cause string) { i.cause = cause }

// meter counts the requests of the app that the request is for, or those without an app.
func (i *RequestInfo) meter(g *Gateway) *meter.App {
	if i.app == nil {
		return &g.unrouted
	}
	return i.app.counts()
}

// EachValues calls yield with the metrics that the workers of each app make themselves.
func (g *Gateway) EachValues(yield func(AppName, *appvalues.Store)) {
	for _, app := range g.all() {
		yield(app.name, &app.values)
	}
}

// EachMeter calls yield with the counters of each app that had a request, and with "" for requests
// without an app.
func (g *Gateway) EachMeter(yield func(AppName, *meter.App)) {
	yield("", &g.unrouted)
	for _, app := range g.all() {
		if c := app.counted.Load(); c != nil {
			yield(app.name, c)
		}
	}
}
