package python

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/coder/websocket"
	"golang.org/x/net/http/httpguts"

	"github.com/modgw/modgw/internal/proc"
	"github.com/modgw/modgw/modgw/runner/crew"
	"github.com/modgw/modgw/modgw/wire"
)

const (
	// maxMessage is how long a message of a WebSocket may be at most, when the app's limit for bodies allows more.
	maxMessage = 16 << 20

	// closeTime is how long a client may take to answer the end of its WebSocket.
	closeTime = 5 * time.Second
)

// wantsWebSocket reports whether a request asks for a WebSocket (RFC 6455, 4.2.1).
func wantsWebSocket(r *http.Request) bool {
	return r.Method == http.MethodGet && hasToken(r.Header["Upgrade"], "websocket")
}

// hasToken reports whether a header that is a list of tokens has one of them, in whatever case.
func hasToken(values []string, token string) bool {
	for _, value := range values {
		for part := range strings.SplitSeq(value, ",") {
			if strings.EqualFold(strings.TrimSpace(part), token) {
				return true
			}
		}
	}
	return false
}

// subprotocols are what the client offers, the one it likes best first. What cannot be one (RFC 6455, 4.1) is left out.
func subprotocols(r *http.Request) []string {
	var offered []string
	for _, value := range r.Header["Sec-Websocket-Protocol"] {
		for part := range strings.SplitSeq(value, ",") {
			if name := strings.TrimSpace(part); httpguts.ValidHeaderFieldName(name) {
				offered = append(offered, name)
			}
		}
	}
	return offered
}

// handshakeMistake is what is wrong with a request for a WebSocket; "" for nothing. It is asked before the app is, so that
// no app accepts what cannot be opened.
func handshakeMistake(r *http.Request) string {
	if !hasToken(r.Header["Connection"], "upgrade") {
		return "its Connection header does not say Upgrade"
	}
	if r.Header.Get("Sec-Websocket-Version") != "13" {
		return "its version is not 13"
	}
	keys := r.Header["Sec-Websocket-Key"]
	if len(keys) != 1 {
		return "it has not one key"
	}
	if key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(keys[0])); err != nil || len(key) != 16 {
		return "its key is not 16 bytes in base64"
	}
	return ""
}

// serveWebSocket serves a request for a WebSocket. The app decides whether it is opened.
func (c *call) serveWebSocket() {
	log := c.runner.config.Log
	if c.info.Front != "http" || c.r.ProtoMajor != 1 || c.r.ProtoMinor == 0 {
		c.w.Header().Set("Upgrade", "websocket")
		c.answer(log, &failure{http.StatusUpgradeRequired, crew.NoWebSocket(c.info.Front, c.r.Proto)}, false)
		return
	}
	if mistake := handshakeMistake(c.r); mistake != "" {
		c.w.Header().Set("Sec-Websocket-Version", "13")
		c.answer(log, &failure{http.StatusBadRequest, badHandshake(mistake)}, false)
		return
	}
	head := appendWebSocketScope(nil, c.r, c.info)
	if len(head) > maxHead {
		c.answer(log, &failure{http.StatusRequestHeaderFieldsTooLarge, headTooLarge(len(head))}, false)
		return
	}
	c.body = &requestBody{whole: true}
	ctx, cancel := context.WithCancel(c.r.Context())
	defer cancel()
	s := c.openWebSocket(ctx, head)
	if s == nil {
		return
	}
	c.tries = maxTries // the app may have seen it
	defer s.finish()
	f, err := s.next()
	if err == nil && f.Type == wire.Event {
		var e socketEvent
		if e, err = decodeSocketEvent(f.Payload); err == nil {
			if err = c.open(s, e, cancel); err == nil {
				return
			}
		}
	}
	c.deny(s, f, err)
}

// openWebSocket gives the request to a worker; nil when it was answered instead.
func (c *call) openWebSocket(ctx context.Context, head []byte) *sharedStream {
	for {
		w, err := c.runner.seats.acquire(ctx, webSocketStream)
		if errors.Is(err, errQueueFull) {
			c.answer(c.runner.config.Log, &failure{http.StatusServiceUnavailable, tooManyWebSockets(c.runner.program)}, false)
			return nil
		}
		if err != nil {
			c.refuse(err)
			return nil
		}
		c.tries++
		s, err := w.shared.open(ctx, opening{kind: webSocketStream, request: c.request(), head: head, deadline: c.deadline()})
		if err == nil {
			return s
		}
		if !c.lost(w, true, false) {
			return nil
		}
	}
}

// deny answers a request whose WebSocket was not opened: with the app's own response, or with the reason.
func (c *call) deny(s *sharedStream, f wire.Frame, err error) {
	p := &response{w: c.w, client: http.NewResponseController(c.w), worker: s.lane.worker, stream: s, info: c.info, length: -1}
	if err == nil {
		err = p.from(f)
	}
	c.concludeASGI(s, p, nil, err)
}

// open opens the WebSocket when the app has accepted it, and has it served until its end.
func (c *call) open(s *sharedStream, e socketEvent, cancel context.CancelFunc) error {
	switch {
	case e.kind == socketClose:
		return &failure{http.StatusForbidden, refusedWebSocket(proc.Printable(e.reason))}
	case e.kind != socketAccept:
		return brokeRule("a message before the WebSocket of stream %d was accepted", s.id)
	}
	header := c.w.Header()
	for _, f := range e.header {
		if f.name != "Sec-Websocket-Extensions" { // which are between the client and the host
			header[f.name] = append(header[f.name], f.value)
		}
	}
	t := &socket{call: c, stream: s, cancel: cancel, lag: lagWatch{worker: s.lane.worker}}
	options := &websocket.AcceptOptions{
		OnPingReceived:     t.pinged,
		InsecureSkipVerify: true, // the app sees Origin, and knows which ones it wants
		CompressionMode:    websocket.CompressionNoContextTakeover,
	}
	if e.subprotocol != "" {
		options.Subprotocols = []string{e.subprotocol}
	}
	var err error
	if t.conn, err = websocket.Accept(c.w, c.r, options); err != nil {
		s.lane.worker.Log.Warn("WebSocket not opened", "request", c.info.ID, "error", err)
		return errors.Join(errClientGone, err)
	}
	t.conn.SetReadLimit(c.messageLimit())
	s.unbound()
	t.serve()
	return nil
}

// messageLimit is how long a message may be.
func (c *call) messageLimit() int64 {
	if limit := c.runner.config.Descriptor.Limits.Body; limit > 0 {
		return min(limit, maxMessage)
	}
	return maxMessage
}
