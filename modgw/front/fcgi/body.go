package fcgi

import (
	"errors"
	"io"
	"net/http"
)

// errBodyTooLong is the error of reading a body beyond its declared length if it is longer.
var errBodyTooLong = errors.New("request body longer than its Content-Length")

// body is a request's body.
type body struct{ stream *stream }

// Read returns received bytes. If no goroutine reads the connection, Read reads records itself. It
// ends with io.EOF only after the peer has completed the body, with at least the declared length.
func (b *body) Read(p []byte) (int, error) {
	s := b.stream
	c := s.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(p) == 0 {
		return 0, nil
	}
	for {
		switch {
		case s.bodyErr == http.ErrBodyReadAfterClose:
			return 0, s.bodyErr
		case len(s.stdin) > 0:
			n := copy(p, s.stdin)
			s.stdin = s.stdin[:copy(s.stdin, s.stdin[n:])]
			c.turn.Broadcast() // the leader may have waited for room
			return n, nil
		case s.bodyErr != nil:
			return 0, s.bodyErr
		case s.input == inputEnded:
			return 0, io.EOF
		case c.reading != turnFree || c.leading:
			c.waiting++
			c.turn.Wait()
			c.waiting--
		default:
			n, err := c.takeWanted(s, p)
			if err != nil {
				c.mu.Unlock()
				c.fail(err)
				c.mu.Lock()
			}
			if len(c.ready) > 0 {
				c.promote() // a request came that would not be served before this handler returns
			}
			if n > 0 {
				return n, nil
			}
		}
	}
}

// Close makes reading fail. The rest of the body is discarded.
func (b *body) Close() error {
	c := b.stream.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	b.stream.closeBody()
	if c.wanted.stream == b.stream {
		c.interrupt()
	}
	return nil
}

func (s *stream) closeBody() {
	s.stdin = nil
	s.bodyErr = http.ErrBodyReadAfterClose
	s.conn.turn.Broadcast()
}
