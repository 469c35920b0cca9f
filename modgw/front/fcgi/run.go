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

// finished takes a request whose response is complete, or never will be, off the connection.
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

// linger lets the rest of a finished request's body come. Closing before would take the response
// from a client that is still sending; but some clients, nginx without keep-alive for one, stop
// sending and wait for the end of ours.
func (c *conn) linger(s *stream) {
	c.phase, c.lingerID = lingering, s.id
	if half, ok := c.rwc.(interface{ CloseWrite() error }); ok && !s.keepConn {
		_ = half.CloseWrite() // if it fails the connection has ended, which reading will tell
	}
}

// cutOff ends the connection, without an end record, as soon as no other request needs it: only so
// does the client see that a response is not complete (apache.md A3, A4).
func (c *conn) cutOff(s *stream) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.startClosing()
	s.input = inputEnded // what is still to come of it is of no use
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

// lost tells a request that its response cannot be sent any more.
func (c *conn) lost(s *stream) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s.lose(errGone)
}
