package python

import (
	"maps"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/modgw/modgw/modgw"
)

func TestF15MaliciousWorkerHurtsOnlyItself(t *testing.T) {
	t.Parallel()
	malices := map[string]int{
		"garbage": 502, "huge frame": 502, "unknown type": 502, "reserved bits": 502, "other stream": 502,
		"earlier stream": 502, "body before head": 502, "too much window": 502, "short window": 502, "no head": 502,
		"head beyond payload": 502, "no marshal": 502, "allocation bomb": 502, "wrong types": 502,
		"control frame on connection": 502, "releases what was not shared": 502, "returns what was not kept": 502, "shares before head": 502, "ready twice": 502, "connection frame on control": 502, "bad log": 502,
		// After the head was sent, the response can only be cut off.
		"answers twice": 0, "file without descriptor": 0, "file that is a pipe": 0,
		"many descriptors": 0, "descriptor without file": 0,
		"shares beyond the buffer": 0, "shares nothing": 0, "shares for another stream": 0,
		// The first answer is correct, so it remains valid.
		"answers again later": 200,
	}
	t.Run("WSGI", func(t *testing.T) {
		t.Parallel()
		hurtOnlyThemselves(t, malices)
	})
	t.Run("WSGI without memory", func(t *testing.T) {
		t.Parallel()
		hurtOnlyThemselves(t, map[string]int{sharesWithoutMemory: 0}, func(d *modgw.Descriptor) { d.WSGI.Entry = sharesWithoutMemory })
	})
	ofASGI := maps.Clone(malices)
	delete(ofASGI, "releases what was not shared") // only threads get anything in shared memory
	maps.Copy(ofASGI, map[string]int{
		// the host keeps no response of a thread, and reads only as much of it as the client does
		"beyond window": 0, "shares beyond window": 0,
		"empty event": 502, "event of wrong types": 502, "request from the worker": 502, "trailers without end": 0,
	})
	t.Run("ASGI", func(t *testing.T) {
		t.Parallel()
		hurtOnlyThemselves(t, ofASGI, asASGI)
	})
}

// sharesWithoutMemory is the misbehaviour of a worker that has told the host that it shares no
// memory.
const sharesWithoutMemory = "shares without memory"

func TestF15MaliciousWorkerEndsItsWebSocketAlone(t *testing.T) {
	t.Parallel()
	a := serveMalice(t, asASGI)
	for _, malice := range []string{
		"empty event", "event of wrong types", "message before acceptance", "accepts twice", "messages beyond the window",
		"many empty messages", "message without end", "response on a WebSocket", "file on a WebSocket", "body before head",
	} {
		t.Run(malice, func(t *testing.T) {
			a := a.within(t)
			bad, before := a.pid(1), a.log.Count(protocolError)
			conn, _, err := websocket.Dial(t.Context(), a.server.URL+"/bad/"+url.PathEscape(malice), nil)
			if err == nil {
				conn.SetReadLimit(-1)
				for err == nil {
					_, _, err = conn.Read(t.Context())
				}
				if code := websocket.CloseStatus(err); code != websocket.StatusInternalError {
					t.Errorf("closed by %v", err)
				}
				conn.CloseNow()
			}
			a.eventually("end of the worker", func() bool { return !alive(bad) })
			if got := a.get("/good"); got.body != "good" {
				t.Errorf("afterwards: %d %q, %v", got.status, got.body, got.err)
			}
			a.eventually("reason", func() bool { return a.log.Count(protocolError) > before })
		})
	}
}

// TestF15WorkerThatReturnsNoKeptBodyEnds has the worker answer a request correctly, but keep the
// request body that the host had lent to it.
func TestF15WorkerThatReturnsNoKeptBodyEnds(t *testing.T) {
	t.Parallel()
	a := serveMalice(t, uploads(8<<20), func(d *modgw.Descriptor) {
		d.WSGI.Entry, d.WSGI.Workers, d.WSGI.Threads = "returns no kept body", 1, 1
	})
	if a.runner.app.Bodies == nil {
		t.Skip("no memory can be shared here")
	}
	bad := a.pid(1)
	if got := a.do("POST", "/bad", strings.NewReader(largeData(3_000_000))); got.body != "fine" {
		t.Fatalf("got %d %q, %v", got.status, got.body, got.err)
	}
	a.do("POST", "/good", nil)
	a.eventually("end of the worker", func() bool { return !alive(bad) })
	a.eventually("reason", func() bool { return a.log.Count("before the Kept frame for stream") > 0 })
	if got := a.get("/good"); got.body != "good" {
		t.Errorf("afterwards: %d %q, %v", got.status, got.body, got.err)
	}
	a.nothingKept()
}

// serveMalice runs a stand-in for a worker that breaks the protocol in the way named by the entry.
func serveMalice(t *testing.T, change ...func(*modgw.Descriptor)) *app {
	t.Helper()
	a := prepare(t, "", append(change, func(d *modgw.Descriptor) {
		d.Timeouts.Stop = 50 * time.Millisecond // the stand-in does not handle Stop
	})...)
	a.runner.files.Dir = absolute(t, "testdata/malicious")
	if err := a.runner.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	a.listen()
	return a
}

// protocolError is the log's text for a worker that breaks the protocol.
const protocolError = "protocol error: "

// within returns the app for a subtest.
func (a *app) within(t *testing.T) *app {
	inner := *a
	inner.T = t
	return &inner
}

// hurtOnlyThemselves runs an app whose worker breaks the protocol in one way after the other.
func hurtOnlyThemselves(t *testing.T, malices map[string]int, change ...func(*modgw.Descriptor)) {
	t.Helper()
	a := serveMalice(t, append([]func(*modgw.Descriptor){oneThread}, change...)...)
	for malice, status := range malices {
		t.Run(malice, func(t *testing.T) { a.within(t).survives(malice, status) })
	}
}

func oneThread(d *modgw.Descriptor) { d.WSGI.Workers, d.WSGI.Threads = 1, 1 }

// survives checks that the request of a misbehaviour gets the status, 0 if it is cut off, and that
// the next request is served.
func (a *app) survives(malice string, status int) {
	a.Helper()
	bad, before := a.pid(1), a.log.Count(protocolError)
	got := a.do("POST", "/bad/"+url.PathEscape(malice), nil)
	if status == 0 {
		if got.err == nil && got.status != 502 {
			a.Errorf("the response looks complete: %d %q", got.status, got.body)
		}
	} else if got.status != status || strings.Contains(got.body, "yours") {
		a.Errorf("got %d %q, %v", got.status, got.body, got.err)
	}
	a.eventually("end of the worker", func() bool { return !alive(bad) })
	if got := a.get("/good"); got.body != "good" {
		a.Errorf("afterwards: %d %q, %v", got.status, got.body, got.err)
	}
	a.eventually("reason", func() bool { return a.log.Count(protocolError) > before })
}
