package asgi

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
	"github.com/modgw/modgw/modgw/runner/python/mux"
	"github.com/modgw/modgw/modgw/runner/python/request"
	"github.com/modgw/modgw/modgw/runner/python/response"
	"github.com/modgw/modgw/modgw/runner/queue"
	"github.com/modgw/modgw/modgw/runner/relay"
	"github.com/modgw/modgw/modgw/runner/workers"
	"github.com/modgw/modgw/modgw/wire"
)

const (
	// maxMessage is the largest size of a message of a WebSocket in bytes, even if the app's limit
	// for bodies allows more.
	maxMessage = 16 << 20

	// closeTime is how long a client may take to answer the end of its WebSocket.
	closeTime = 5 * time.Second
)

// wantsWebSocket reports whether a request asks for a WebSocket (RFC 6455, 4.2.1).
func wantsWebSocket(r *http.Request) bool {
	return r.Method == http.MethodGet && httpguts.HeaderValuesContainsToken(r.Header["Upgrade"], "websocket")
}

// subprotocols returns the client's offers, the preferred one first. Invalid names (RFC 6455, 4.1)
// are left out.
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

// handshakeMistake describes the mistake in a request for a WebSocket, or returns "". It is checked
// before the app is asked, so that no app accepts a WebSocket that cannot be opened.
func handshakeMistake(r *http.Request) string {
	if !httpguts.HeaderValuesContainsToken(r.Header["Connection"], "upgrade") {
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
	if c.Info.Front != "http" || c.R.ProtoMajor != 1 || c.R.ProtoMinor == 0 {
		c.W.Header().Set("Upgrade", "websocket")
		c.Conclude(&relay.Failure{Status: http.StatusUpgradeRequired, Fault: workers.NoWebSocket(c.Info.Front, c.R.Proto)})
		return
	}
	if mistake := handshakeMistake(c.R); mistake != "" {
		c.W.Header().Set("Sec-Websocket-Version", "13")
		c.Conclude(badHandshake(mistake))
		return
	}
	c.Head = appendWebSocketScope(nil, c.R, c.Info, nil)
	if len(c.Head) > request.MaxHead {
		c.Conclude(request.HeadTooLarge(len(c.Head)))
		return
	}
	ctx, cancel := context.WithCancel(c.R.Context())
	defer cancel()
	s := c.server.OpenWebSocket(ctx, c.Call, c.unplaced)
	if s == nil {
		return
	}
	c.LastTry() // the app may have seen it
	c.stream = s
	defer c.finish()
	f, err := s.Next()
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

// finish frees the stream to the app.
func (c *call) finish() {
	if c.stream != nil {
		c.stream.Finish()
	}
}

// unplaced explains why there is no slot for the WebSocket.
func (c *call) unplaced(err error) error {
	if errors.Is(err, queue.ErrFull) {
		return tooManyWebSockets(c.server.config.WebSockets)
	}
	return c.Unplaced(err)
}

// deny answers a request whose WebSocket was not opened: with the app's own response, or with the
// reason.
func (c *call) deny(s *mux.Stream, f wire.Frame, err error) {
	if err == nil {
		err = response.New(c.Request, s).CopyFrom(f)
	}
	s.Conclude(c.Call, err)
}

// open opens the WebSocket when the app has accepted it, and has it served until its end.
func (c *call) open(s *mux.Stream, e socketEvent, cancel context.CancelFunc) error {
	switch {
	case e.kind == socketClose:
		return refusedWebSocket(proc.Printable(e.reason))
	case e.kind != socketAccept:
		return wire.Errorf("a message before the WebSocket of stream %d was accepted", s.ID)
	}
	header := c.W.Header()
	for _, f := range e.header {
		if f.Name != "Sec-Websocket-Extensions" { // which are between the client and the host
			header[f.Name] = append(header[f.Name], f.Value)
		}
	}
	t := &socket{
		call: c, stream: s, cancel: cancel, subprotocol: e.subprotocol,
	}
	if c.server.config.Resume {
		t.outbox, t.gone = newOutbox(s.Context(), s), make(chan struct{})
	}
	options := &websocket.AcceptOptions{
		OnPingReceived:     t.pinged,
		InsecureSkipVerify: true, // the app sees Origin, and knows which ones it wants
		CompressionMode:    websocket.CompressionNoContextTakeover,
	}
	if e.subprotocol != "" {
		options.Subprotocols = []string{e.subprotocol}
	}
	var err error
	if t.conn, err = websocket.Accept(c.W, c.R, options); err != nil {
		s.Worker().Log.Warn("WebSocket not opened", "request", c.Info.ID, "error", err)
		return errors.Join(relay.ErrClientGone, err)
	}
	t.conn.SetReadLimit(c.messageLimit())
	s.RemoveDeadline()
	t.serve()
	return nil
}

// messageLimit returns the largest size of a message, in bytes.
func (c *call) messageLimit() int64 {
	if limit := c.server.app.Descriptor.Limits.Body; limit > 0 {
		return min(limit, maxMessage)
	}
	return maxMessage
}
