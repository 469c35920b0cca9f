package probe

import (
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/modgw/modgw/modgw"
)

// Limits of the cost of probes.
const (
	maxReports    = 1024            // reports that are kept
	streamTimeout = 2 * time.Second // how long a stream waits for the doctor
	upgradeLimit  = 10 * time.Second
)

// Answerer answers probes, and hands all other requests on. Make it with [New].
type Answerer struct {
	find func(*http.Request) (modgw.AppName, modgw.MountPath)
	key  atomic.Pointer[Key] // nil: no key counts

	mu      sync.Mutex
	reports map[string]*pending // by the id of the token
	order   []string            // ids, the oldest first
}

// pending is a probe that has arrived.
type pending struct {
	report  Report
	goOn    chan struct{} // closed when the doctor has received the first part of a stream
	proceed func()        // closes goOn
}

// New returns an answerer. find returns the app of a request.
func New(find func(*http.Request) (modgw.AppName, modgw.MountPath)) *Answerer {
	return &Answerer{find: find, reports: map[string]*pending{}}
}

// Arm returns a key that counts for a lifetime of [MaxLifetime] at most. A key that still counts is
// prolonged.
func (a *Answerer) Arm(lifetime time.Duration) Key {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := time.Now()
	expires := now.Add(min(max(lifetime, 0), MaxLifetime))
	key := newKey(expires)
	if old := a.key.Load(); old != nil && now.Before(old.Expires) {
		key.Secret = old.Secret
		if expires.Before(old.Expires) {
			key.Expires = old.Expires
		}
	}
	a.key.Store(&key)
	return key
}

// Report returns the report about a probe, or false if nothing has arrived.
func (a *Answerer) Report(id string) (Report, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	p := a.reports[id]
	if p == nil {
		return Report{}, false
	}
	return p.report, true
}

// Continue lets the stream of a probe go on.
func (a *Answerer) Continue(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if p := a.reports[id]; p != nil {
		p.proceed()
	}
}

// keep remembers a probe and forgets the oldest ones.
func (a *Answerer) keep(r Report) *pending {
	a.mu.Lock()
	defer a.mu.Unlock()
	p := &pending{report: r, goOn: make(chan struct{})}
	p.proceed = sync.OnceFunc(func() { close(p.goOn) })
	if a.reports[r.Token.ID] == nil {
		a.order = append(a.order, r.Token.ID)
	}
	a.reports[r.Token.ID] = p
	for len(a.order) > maxReports {
		delete(a.reports, a.order[0])
		a.order = a.order[1:]
	}
	return p
}

// update changes the report of a probe and returns it.
func (a *Answerer) update(p *pending, change func(*Report)) Report {
	a.mu.Lock()
	defer a.mu.Unlock()
	change(&p.report)
	return p.report
}

// token returns the token of a probe; false for every other request.
func (a *Answerer) token(path string) (Token, bool) {
	key := a.key.Load()
	if key == nil || !time.Now().Before(key.Expires) || !strings.Contains(path, prefix) {
		return Token{}, false
	}
	return key.find(path)
}

// Wrap returns a handler that answers probes and hands all other requests to next.
func (a *Answerer) Wrap(next http.Handler) http.Handler {
	if loop, ok := next.(modgw.LoopHandler); ok {
		return &loopHandler{handler{a, next}, loop}
	}
	return &handler{a, next}
}

type handler struct {
	answerer *Answerer
	next     http.Handler
}

// loopHandler is a handler whose next one serves ordinary requests on an event loop.
type loopHandler struct {
	handler
	loop modgw.LoopHandler
}

var _ modgw.LoopHandler = (*loopHandler)(nil)

// ServeOnLoop implements [modgw.LoopHandler]. Probes are answered on goroutines.
func (h *loopHandler) ServeOnLoop(x modgw.LoopExchange) bool {
	if h.answerer.key.Load() != nil {
		if _, info := x.Request(); strings.Contains(info.Path, prefix) {
			return false
		}
	}
	return h.loop.ServeOnLoop(x)
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if h.answerer.key.Load() == nil {
		h.next.ServeHTTP(w, r)
		return
	}
	info := modgw.RequestInfoOf(r)
	token, ok := h.answerer.token(info.Path)
	if !ok || info.Authorizer {
		h.next.ServeHTTP(w, r)
		return
	}
	h.answerer.answer(w, r, info, token)
}

// answer reports the received request, in the way that the probe asks for.
func (a *Answerer) answer(w http.ResponseWriter, r *http.Request, info *modgw.RequestInfo, t Token) {
	app, mount := a.find(r)
	report := Report{
		Token: t, Front: info.Front, App: app, Mount: mount, Prefix: info.Prefix,
		Method: r.Method, Host: r.Host, Target: info.RawTarget, Path: []byte(info.Path), Query: r.URL.RawQuery,
		Headers: map[string][]string{}, Length: r.ContentLength,
		Scheme: info.Scheme, RemoteAddr: info.RemoteAddr, RemotePort: info.RemotePort,
		ServerName: info.ServerName, ServerPort: info.ServerPort, Software: info.ServerSoftware, Received: info.Received,
	}
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		if shown[name] {
			report.Headers[name] = slices.Clone(r.Header[name])
		} else {
			report.Other = append(report.Other, name)
		}
	}
	p := a.keep(report)
	w.Header().Set("Modgw-Probe", t.ID)
	w.Header().Set("Cache-Control", "no-store")
	switch t.Kind {
	case Stream:
		a.stream(w, r, p)
	case Upgrade:
		a.upgrade(w, r, p)
	default:
		a.readBody(r, p)
		a.respond(w, p)
	}
}

// readBody reads the body to its end, or to where it breaks off.
func (a *Answerer) readBody(r *http.Request, p *pending) {
	digest := sha256.New()
	var n int64
	var err error
	if r.Body != nil {
		n, err = io.Copy(digest, r.Body)
	}
	a.update(p, func(r *Report) {
		r.Body, r.Digest = n, hex.EncodeToString(digest.Sum(nil))
		if err != nil {
			r.BodyError = err.Error()
		}
	})
}

// respond sends the report.
func (a *Answerer) respond(w http.ResponseWriter, p *pending) {
	report := a.update(p, func(r *Report) { r.Ended = r.BodyError == "" })
	text, err := json.Marshal(report)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	status := http.StatusOK
	switch report.Token.Kind {
	case NotFound:
		status = http.StatusNotFound
	case Failure:
		status = http.StatusInternalServerError
	case Headers:
		w.Header().Set("Modgw-Large", strings.Repeat("x", LargeHeader))
	case Upgrade:
		status = http.StatusUpgradeRequired
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	w.Header().Add("Set-Cookie", "modgw_probe_a=1; Path=/; Max-Age=0")
	w.Header().Add("Set-Cookie", "modgw_probe_b=2; Path=/; Max-Age=0")
	w.WriteHeader(status)
	if report.Method != http.MethodHead {
		_, _ = w.Write(text) // a client that has gone needs no answer
	}
}

// stream sends an event, and another one when the doctor reports that it has the first, or after a
// while.
func (a *Answerer) stream(w http.ResponseWriter, r *http.Request, p *pending) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.WriteHeader(http.StatusOK)
	fmt.Fprintf(w, "data: first %s\n\n", p.report.Token.ID)
	_ = http.NewResponseController(w).Flush() // the client notices a short response
	ctx, cancel := context.WithTimeout(r.Context(), streamTimeout)
	defer cancel()
	said := "late"
	select {
	case <-p.goOn:
		said = "heard"
	case <-ctx.Done():
	}
	a.update(p, func(r *Report) { r.Ended = true })
	fmt.Fprintf(w, "data: %s\n\n", said)
}

// upgrade switches to a WebSocket and sends the report as its one message. A front that cannot
// switch answers 426 with the report.
func (a *Answerer) upgrade(w http.ResponseWriter, r *http.Request, p *pending) {
	wanted := strings.EqualFold(r.Header.Get("Upgrade"), "websocket")
	can := r.ProtoMajor == 1 && r.ProtoMinor > 0 && p.report.Front == "http"
	if !wanted || !can || a.switchProtocols(w, r, p) != nil {
		a.respond(w, p)
	}
}

func (a *Answerer) switchProtocols(w http.ResponseWriter, r *http.Request, p *pending) error {
	conn, stream, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return err
	}
	defer conn.Close()
	report := a.update(p, func(r *Report) { r.Ended = true })
	text, err := json.Marshal(report)
	if err != nil || len(text) > 0xffff {
		text = []byte("{}")
	}
	_ = conn.SetDeadline(time.Now().Add(upgradeLimit)) // an open connection has deadlines
	// RFC 6455, sections 4.2.2 and 5.2: the handshake, a text message, and the closing frame.
	accept := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	fmt.Fprintf(stream, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Accept: %s\r\nModgw-Probe: %s\r\n\r\n", base64.StdEncoding.EncodeToString(accept[:]), p.report.Token.ID)
	stream.Write([]byte{0x81, 126, byte(len(text) >> 8), byte(len(text))})
	stream.Write(text)
	stream.Write([]byte{0x88, 2, 0x03, 0xe8})
	if stream.Flush() != nil {
		return nil // the client has gone
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(stream, 1<<16)) // until the client has read it all
	return nil
}
