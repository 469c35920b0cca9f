package scripthost

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"strconv"
	"strings"
	"syscall"

	"github.com/modgw/modgw/modgw/fcgi"
)

// keepSize is how much of a request's body is kept, so that it can be sent once more to another
// host.
const keepSize = 64 << 10

// Answer answers the one CGI request (RFC 3875) whose variables are in environ and whose body is
// in: it makes the host answer, writes the response to out and FastCGI's error stream to problems.
// An error means that nothing was written yet; later ones are of type *CutError.
func (h Host) Answer(ctx context.Context, environ []string, in io.Reader, out, problems io.Writer) error {
	params, length, err := request(environ)
	if err != nil {
		return err
	}
	body := &bodyReader{in: io.LimitReader(in, length)}
	for try := 1; ; try++ {
		conn, err := h.Connect(ctx)
		if err != nil {
			return err
		}
		c := &client{conn: conn, out: out, problems: problems}
		err = c.ask(params, body)
		conn.Close()
		switch {
		case err == nil:
			body.drop()
			return nil
		case c.written:
			return &CutError{err}
		case try == 1 && isUnread(err) && body.rewind():
			continue // the host ended just before it would have accepted this
		default:
			return fmt.Errorf("cannot get an answer from the host: %w", err)
		}
	}
}

// isUnread reports whether the other side has closed a Unix socket with unread bytes.
func isUnread(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// CutError reports that a response broke off.
type CutError struct {
	Err error // why the rest did not come
}

// Error is why.
func (e *CutError) Error() string { return "the response broke off: " + e.Err.Error() }

// Unwrap returns the reason.
func (e *CutError) Unwrap() error { return e.Err }

// request is the variables of a request as FastCGI has them, and the length of its body, which may
// be shorter where the client did not know it: Apache then decodes the chunks, and ends the
// script's standard input with them.
func request(environ []string) (params []byte, length int64, err error) {
	method, measured, chunked := false, false, false
	for _, variable := range environ {
		name, value, _ := strings.Cut(variable, "=")
		switch {
		case name == "CONTENT_LENGTH" && value != "":
			if length, err = strconv.ParseInt(value, 10, 64); err != nil || length < 0 {
				return nil, 0, fmt.Errorf("cannot read CONTENT_LENGTH %q", value)
			}
			measured = true
		case name == "HTTP_TRANSFER_ENCODING":
			chunked = true
		case name == "REQUEST_METHOD":
			method = true
		}
		if isRequests(name) {
			params = fcgi.AppendPair(params, name, value)
		}
	}
	if !method {
		return nil, 0, errors.New("cannot answer: there is no REQUEST_METHOD, so no web server has asked")
	}
	if chunked && !measured {
		length = math.MaxInt64
	}
	return params, length, nil
}

// isRequests reports whether a variable of the environment belongs to the request, and not to the
// process.
func isRequests(name string) bool {
	for _, prefix := range [...]string{"HTTP_", "REQUEST_", "SERVER_", "REMOTE_", "CONTENT_", "SSL_", "SCRIPT_", "PATH_INFO"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	switch name {
	case "QUERY_STRING", "HTTPS", "AUTH_TYPE", "GATEWAY_INTERFACE", "UNIQUE_ID":
		return true
	}
	return false
}

// bodyReader is a body that can be read once more as long as it is small.
type bodyReader struct {
	in   io.Reader
	kept []byte
	at   int // in kept
	over bool
}

// Read implements [io.Reader].
func (b *bodyReader) Read(p []byte) (int, error) {
	if b.at < len(b.kept) {
		n := copy(p, b.kept[b.at:])
		b.at += n
		return n, nil
	}
	n, err := b.in.Read(p)
	if b.over = b.over || len(b.kept)+n > keepSize; !b.over {
		b.kept = append(b.kept, p[:n]...)
		b.at = len(b.kept)
	}
	return n, err
}

// rewind begins again, and reports whether that is possible.
func (b *bodyReader) rewind() bool {
	b.at = 0
	return !b.over
}

// drop reads the rest. Apache's mod_cgid loses the response of a script that ends with its input
// unread: both go over one socket, which is then reset.
func (b *bodyReader) drop() { _, _ = io.Copy(io.Discard, b.in) }

// client is one request on a connection of its own.
type client struct {
	conn     net.Conn
	out      io.Writer
	problems io.Writer
	written  bool
}

// ask sends a request, and passes the response on.
func (c *client) ask(params []byte, body io.Reader) error {
	const id = 1
	b := fcgi.AppendBegin(nil, id, fcgi.Begin{Role: fcgi.RoleResponder})
	b = fcgi.AppendStream(b, fcgi.TypeParams, id, params)
	b = fcgi.AppendRecord(b, fcgi.TypeParams, id, nil)
	if _, err := c.conn.Write(b); err != nil {
		return err
	}
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		c.send(id, body)
	}()
	err := c.receive()
	c.conn.Close() // further bytes are not read
	if err != nil && c.written {
		return err // a body of which nothing more comes would hold the end of this process up
	}
	<-sent
	return err
}

// send sends the body. If that fails, the response contains the reason.
func (c *client) send(id uint16, body io.Reader) {
	piece := make([]byte, 32<<10)
	for {
		n, err := body.Read(piece)
		if n > 0 {
			if _, err := c.conn.Write(fcgi.AppendStream(nil, fcgi.TypeStdin, id, piece[:n])); err != nil {
				return
			}
		}
		if err != nil {
			_, _ = c.conn.Write(fcgi.AppendRecord(nil, fcgi.TypeStdin, id, nil))
			return
		}
	}
}

func (c *client) receive() error {
	var r fcgi.Reader
	r.Reset(c.conn, make([]byte, 64<<10), 0)
	for {
		h, err := r.Next()
		switch {
		case err == io.EOF:
			return io.ErrUnexpectedEOF
		case err != nil:
			return err
		case h.Type == fcgi.TypeEnd:
			return nil
		}
		to := io.Discard
		switch h.Type {
		case fcgi.TypeStdout:
			to = c.out
		case fcgi.TypeStderr:
			to = c.problems
		}
		for r.Left() > 0 {
			piece, err := r.Piece()
			if err != nil {
				return err
			}
			c.written = c.written || h.Type == fcgi.TypeStdout
			if _, err := to.Write(piece); err != nil {
				return err
			}
		}
	}
}
