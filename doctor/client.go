package doctor

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// probeTimeout bounds one probe.
const probeTimeout = 15 * time.Second

// endpoint is where a site is asked.
type endpoint struct {
	address string // "127.0.0.1:80"
	tls     bool
	local   net.IP // address from which it is asked; nil: the kernel chooses
}

// url is the endpoint for messages.
func (e endpoint) url() string {
	if e.tls {
		return "https://" + e.address
	}
	return "http://" + e.address
}

// request is a request that is sent byte for byte.
type request struct {
	method, target, host string
	headers              []string // "Name: value"
	body                 string
	chunked              bool // send the body in chunks
	expect               bool // wait for 100 Continue before the body
	// bytes of the body that are left out before the connection is closed; 0: none
	short int
}

// connection is a connection of one probe.
type connection struct {
	net.Conn
	reader *bufio.Reader
	stop   func() bool
}

func (c *connection) close() {
	c.stop()
	c.Close()
}

// dial connects to a web server, with TLS if it speaks that. The certificate is not checked here.
func (e endpoint) dial(ctx context.Context, host string) (*connection, error) {
	d := net.Dialer{Timeout: dialTimeout}
	if e.local != nil {
		d.LocalAddr = &net.TCPAddr{IP: e.local}
	}
	conn, err := d.DialContext(ctx, "tcp", e.address)
	if err != nil {
		return nil, err
	}
	if err := conn.SetDeadline(time.Now().Add(probeTimeout)); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	if e.tls {
		secured := tls.Client(conn, &tls.Config{InsecureSkipVerify: true, ServerName: host, NextProtos: []string{"http/1.1"}})
		if err := secured.HandshakeContext(ctx); err != nil {
			return nil, errors.Join(err, conn.Close())
		}
		conn = secured
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	return &connection{conn, bufio.NewReader(conn), stop}, nil
}

// send writes a request and returns the response, whose body is still to be read. It may come
// before all of the request is sent.
func (c *connection) send(r request) (*http.Response, error) {
	var head strings.Builder
	fmt.Fprintf(&head, "%s %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: modgw-doctor\r\n", r.method, r.target, r.host)
	for _, h := range r.headers {
		head.WriteString(h + "\r\n")
	}
	switch {
	case r.chunked:
		head.WriteString("Transfer-Encoding: chunked\r\n")
	case r.body != "":
		fmt.Fprintf(&head, "Content-Length: %d\r\n", len(r.body))
	}
	if r.expect {
		head.WriteString("Expect: 100-continue\r\n")
	}
	head.WriteString("\r\n")
	if _, err := io.WriteString(c, head.String()); err != nil {
		return nil, err
	}
	ask := &http.Request{Method: r.method}
	if r.expect {
		resp, err := http.ReadResponse(c.reader, ask)
		if err != nil || resp.StatusCode != http.StatusContinue {
			return resp, err
		}
	}
	sent := make(chan error, 1)
	go func() { sent <- c.sendBody(r) }()
	if r.short > 0 {
		err := <-sent
		return nil, errors.Join(err, c.Close())
	}
	resp, err := c.response(ask)
	if err != nil {
		c.Close() // ends the writer
	}
	if resp == nil {
		<-sent
		return nil, err
	}
	resp.Body = &sentBody{resp.Body, sent, c}
	return resp, err
}

// response reads the response and passes over those that are informational.
func (c *connection) response(ask *http.Request) (*http.Response, error) {
	for {
		resp, err := http.ReadResponse(c.reader, ask)
		if err != nil || resp.StatusCode >= 200 || resp.StatusCode == http.StatusSwitchingProtocols {
			return resp, err
		}
	}
}

func (c *connection) sendBody(r request) error {
	body := r.body[:len(r.body)-r.short]
	if !r.chunked {
		_, err := io.WriteString(c, body)
		return err
	}
	for len(body) > 0 {
		n := min(len(body), 5000)
		if _, err := fmt.Fprintf(c, "%x\r\n%s\r\n", n, body[:n]); err != nil {
			return err
		}
		body = body[n:]
	}
	if r.short > 0 {
		return nil
	}
	_, err := io.WriteString(c, "0\r\n\r\n")
	return err
}

// sentBody is the body of a response. Closing it ends the connection and the rest of the request.
type sentBody struct {
	io.ReadCloser
	sent <-chan error
	conn *connection
}

func (b *sentBody) Close() error {
	err := b.conn.Close()
	<-b.sent
	return err
}
