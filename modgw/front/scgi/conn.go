package scgi

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/cgi"
	"github.com/modgw/modgw/modgw/front"
)

var (
	errDrained = errors.New("the host ends and could not wait any longer")
	errGone    = errors.New("the client has gone")
	errEnded   = errors.New("the request has ended")
)

// conn is one connection of a web server, and its request.
type conn struct {
	server *Server
	rwc    net.Conn
	input  *input
	in     *bufio.Reader
	ctx    context.Context
	cancel context.CancelCauseFunc

	request *http.Request // blank until the variables have come
	body    *body         // nil until the variables have come
	broken  bool          // the response was begun and cannot be completed
}

func newConn(s *Server, base context.Context, rwc net.Conn) *conn {
	c := &conn{
		server:  s,
		rwc:     rwc,
		input:   &input{rwc: rwc, pause: s.config.ReadTimeout},
		request: &http.Request{URL: &url.URL{Path: "/"}, Header: make(http.Header)},
	}
	c.in = bufio.NewReader(c.input)
	c.ctx, c.cancel = context.WithCancelCause(base)
	return c
}

// serve returns when the connection has ended and no handler of it runs.
func (c *conn) serve() {
	defer c.cancel(errEnded)
	defer c.close()
	var b cgi.Builder
	if err := c.server.protocol.read(c.in, b.Set); err != nil {
		c.unreadable(err)
		return
	}
	if err := c.makeRequest(&b); err != nil {
		c.refuse(front.VariablesFault(err))
		return
	}
	if status, f := c.lengthFault(); f != nil {
		c.refuse(status, f)
		return
	}
	c.body = newBody(c.in, c.input, c.request.ContentLength, c.cancel)
	if err := c.body.fill(); err != nil {
		than := "shorter"
		if err == errBodyTooLong {
			than = "longer"
		}
		c.refuse(http.StatusBadRequest, front.BodyLength(c.request.ContentLength, than))
		return
	}
	c.run()
}

// unreadable ends a connection whose variables did not come, with an answer where that may be
// understood.
func (c *conn) unreadable(err error) {
	log := c.server.config.Log
	if f, ok := errors.AsType[*modgw.Fault](err); ok {
		log.Warn("connection refused", "code", f.Code, "error", f.Line(), "peer", c.rwc.RemoteAddr())
		return
	}
	if errors.Is(err, cgi.ErrLimit) || errors.Is(err, errGarbled) {
		c.refuse(front.VariablesFault(err))
		return
	}
	log.Debug("connection ended before its request was complete", "error", err, "peer", c.rwc.RemoteAddr())
}

func (c *conn) makeRequest(b *cgi.Builder) error {
	r, err := b.Request(c.ctx, cgi.Options{
		Front:    c.server.protocol.name,
		Trusted:  c.server.config.TrustedPeer(c.rwc),
		Received: time.Now(),
	})
	if err != nil {
		return err
	}
	c.server.config.TrustedProxies.Resolve(r)
	c.request = r
	return nil
}

// lengthFault returns the answer to a request without a valid length.
func (c *conn) lengthFault() (status int, f *modgw.Fault) {
	if c.request.TransferEncoding != nil {
		return http.StatusLengthRequired, noLength()
	}
	c.request.ContentLength = max(0, c.request.ContentLength)
	return 0, nil
}

// run calls the handler and ends its response.
func (c *conn) run() {
	if c.request.ContentLength > 0 {
		c.request.Body = c.body
	}
	received := make(chan struct{})
	go func() {
		c.body.receive()
		close(received)
	}()
	newResponse(c, c.request).Serve(c.server.config.Handler.ServeHTTP)
	if c.body.finish() || c.broken {
		c.close()
	} else {
		c.closeWrite()
	}
	<-received
}

// refuse answers without calling the handler, and lets the rest of the request come: closing before
// would take the response from a client that is still sending.
func (c *conn) refuse(status int, f *modgw.Fault) {
	r, id := modgw.Identify(c.request)
	c.server.config.Log.Warn("request refused", "request", id, "status", status, "code", f.Code, "error", f.Line(),
		"peer", c.rwc.RemoteAddr())
	c.server.config.Refused(r, status, f)
	newResponse(c, r).Refuse(status, f)
	if c.ctx.Err() == nil && !c.broken {
		c.closeWrite()
		_, _ = io.Copy(io.Discard, c.in) // it ends when the client closes, or pauses too long
	}
}

// closeWrite lets the client see the end of the response while its request is still on its way.
func (c *conn) closeWrite() {
	if half, ok := c.rwc.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite() // reading reports an error as well
		return
	}
	c.rwc.Close()
}

// close ends the connection; where the response has broken off it does so in a way that looks like
// it, if there is one.
func (c *conn) close() {
	if tcp, ok := c.rwc.(*net.TCPConn); ok && c.broken {
		_ = tcp.SetLinger(0) // if it fails the connection has ended already
	}
	c.rwc.Close()
}

// drain does not wait long for a request of which nothing has come yet.
func (c *conn) drain() { c.input.drain() }

// fail ends the connection. A handler that still runs finds out by its context, its body or its
// next write.
func (c *conn) fail(err error) {
	c.cancel(err)
	c.rwc.Close()
}
