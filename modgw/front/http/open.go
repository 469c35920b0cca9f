package http

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"slices"
	"time"
)

// open gets a connection ready for its first request: who the client is, when a proxy has to name
// it, and TLS. It takes no longer than the head of a request may, and ends early when ctx is done.
func (c *conn) open(ctx context.Context) error {
	if c.server.config.ProxyProtocol || c.server.config.TLS != nil {
		if err := c.agree(ctx); err != nil {
			return err
		}
	}
	c.peer = c.server.trust.peerOf(c)
	return nil
}

func (c *conn) agree(ctx context.Context) error {
	if err := c.raw.SetDeadline(time.Now().Add(c.server.config.HeaderTimeout)); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = c.raw.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if c.server.config.ProxyProtocol {
		if err := c.introduce(); err != nil {
			return err
		}
	}
	if c.server.config.TLS != nil {
		if err := c.encrypt(ctx); err != nil {
			return err
		}
	}
	if !stop() {
		return ctx.Err()
	}
	return c.raw.SetDeadline(time.Time{})
}

// encrypt shakes hands.
func (c *conn) encrypt(ctx context.Context) error {
	over := c.Conn
	if c.in.len() > 0 {
		over = &prefixed{over, slices.Clone(c.in.bytes())}
		c.in.discard(c.in.len())
	}
	secured := tls.Server(over, c.server.config.TLS)
	if err := secured.HandshakeContext(ctx); err != nil {
		if garbled, ok := errors.AsType[tls.RecordHeaderError](err); ok && garbled.Conn != nil && looksLikeHTTP(garbled.RecordHeader) {
			_, _ = io.WriteString(over, plainRequest) // an error changes nothing
		}
		return err
	}
	state := secured.ConnectionState()
	if !slices.Contains([]string{"", "http/1.1", "h2"}, state.NegotiatedProtocol) {
		return errors.New("the connection was for " + state.NegotiatedProtocol)
	}
	c.Conn, c.tls, c.facts = secured, &state, tlsFacts(&state)
	c.parser.SkipPreface() // HTTP/1 was negotiated
	return nil
}

// prefixed is a connection of which something was read already.
type prefixed struct {
	net.Conn
	prefix []byte // is read first
}

// Read reads the prefix first.
func (c *prefixed) Read(p []byte) (int, error) {
	if len(c.prefix) == 0 {
		return c.Conn.Read(p)
	}
	n := copy(p, c.prefix)
	c.prefix = c.prefix[n:]
	return n, nil
}

// plainRequest is the answer to a client that speaks HTTP where TLS is spoken.
const plainRequest = "HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n" +
	"400 Bad Request\nThis port speaks HTTPS: the address must begin with https://\n"

// looksLikeHTTP recognises HTTP by the first octets of the methods that clients begin with.
func looksLikeHTTP(octets [5]byte) bool {
	return slices.Contains([]string{"GET /", "HEAD ", "POST ", "PUT /", "OPTIO"}, string(octets[:]))
}
