package fcgi

import (
	"net/http"
	"net/url"
	"slices"

	"github.com/modgw/modgw/modgw"
)

// run calls the handler of a request and ends its response.
func (c *conn) run(s *stream) {
	defer s.cancel(nil)
	s.response.begin(s, s.request)
	s.response.Serve(s.serve)
	c.finished(s)
}

// finished removes a request from the connection when its response is complete or was given up.
func (c *conn) finished(s *stream) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s.closeBody()
	succeeded := !slices.Contains(c.streams, s) // by one with the same id
	c.remove(s)
	c.stay--
	if !s.keepConn {
		c.startClosing()
	}
	ends := c.phase == closing || c.phase == lingering
	if ends && s.input != inputEnded && !succeeded && c.failed == nil {
		c.linger(s)
	}
	if c.isOver() {
		c.rwc.Close()
	}
}

// linger receives the rest of a finished request's body. Closing earlier would lose the response
// for a client that is still sending. But some clients, for example nginx without keep-alive, stop
// sending and wait for us to close.
func (c *conn) linger(s *stream) {
	c.phase, c.lingerID = lingering, s.id
	if half, ok := c.rwc.(interface{ CloseWrite() error }); ok && !s.keepConn {
		_ = half.CloseWrite() // reading reports an error as well
	}
}

// cutOff ends the connection, without an end record, as soon as no other request needs it: only so
// does the client see that a response is not complete (apache.md A3, A4).
func (c *conn) cutOff(s *stream) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.startClosing()
	s.input = inputEnded // the rest of the input is not used
}

// refuse answers a request without calling its handler.
func (s *stream) refuse(status int, f *modgw.Fault) {
	c := s.conn
	r, id := modgw.Identify(s.requestOrBlank())
	c.log.Warn("request refused", "request", id, "status", status, "code", f.Code, "error", f.Line(), "peer", c.rwc.RemoteAddr())
	c.server.config.Refused(r, status, f)
	s.response.begin(s, r)
	s.response.Refuse(status, f)
	c.finished(s)
}

// requestOrBlank is the request, or a blank one when its variables were of no use.
func (s *stream) requestOrBlank() *http.Request {
	if s.request != nil {
		return s.request
	}
	return &http.Request{URL: &url.URL{Path: "/"}, Header: make(http.Header)}
}

// bodyWasShort reports whether the body ended before its declared length.
func (s *stream) bodyWasShort() bool {
	s.conn.mu.Lock()
	defer s.conn.mu.Unlock()
	return s.input == inputEnded && s.received < s.length
}

// lost informs a request that its response cannot be sent any more.
func (c *conn) lost(s *stream) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s.lose(errGone)
}
