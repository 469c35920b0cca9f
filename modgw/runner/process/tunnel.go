package process

import (
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

const (
	// frameTime is how long the rest of a frame may take when a WebSocket is to end.
	frameTime = time.Second

	// closeTime is how long the client may take to answer the close frame of a WebSocket.
	closeTime = 2 * time.Second
)

// serviceRestart is a WebSocket frame that closes the connection with the code 1012 (RFC 6455,
// sections 5.5.1 and 7.4.1, and the registry of close codes): the client is to connect again.
var serviceRestart = []byte{0x88, 2, 1012 >> 8, 1012 & 0xff}

// tunnel is the connection to the program after it has agreed to another protocol. Bytes read from
// it go to the client.
type tunnel struct {
	io.ReadWriteCloser
	conn      *conn
	websocket bool
	client    *client

	mu     sync.Mutex
	over   bool        // it is to end
	limit  *time.Timer // closes the client's connection; nil as long as it may stay open
	late   bool        // the rest of a frame has its last chance
	said   bool        // the closing frame is on its way
	frames frames      // finds the ends of the frames that pass
}

// tunnel takes the connection of a response that switches protocols.
func (c *call) tunnel(response *http.Response) {
	both, ok := response.Body.(io.ReadWriteCloser)
	if !ok {
		return // the proxy reports it
	}
	t := &tunnel{
		ReadWriteCloser: both, conn: c.conn, client: c.w,
		websocket: strings.EqualFold(response.Header.Get("Upgrade"), "websocket"),
	}
	response.Body = t
	forget := c.OnReplaced(nil, t.replace)
	c.leave = func() {
		forget()
		t.end()
	}
}

// Read returns the program's output. If the tunnel is to end, it returns the output up to the end
// of a frame, and then a close frame.
func (t *tunnel) Read(p []byte) (int, error) {
	for {
		if n, over := t.close(p); over {
			if n == 0 {
				return 0, io.EOF
			}
			return n, nil
		}
		n, err := t.ReadWriteCloser.Read(p)
		n = t.pass(p[:n])
		if n > 0 || err == nil {
			return n, nil
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) || !t.wait() {
			return 0, err
		}
	}
}

// close reports whether the tunnel is over, and puts a close frame into p.
func (t *tunnel) close(p []byte) (n int, over bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case !t.over || t.websocket && !t.frames.between() && !t.said:
		return 0, false
	case !t.websocket || t.said || len(p) < len(serviceRestart):
		return 0, true
	}
	t.said = true
	return copy(p, serviceRestart), true
}

// pass reports how much of a piece may go to the client.
func (t *tunnel) pass(piece []byte) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.websocket {
		return len(piece)
	}
	return t.frames.take(piece, t.over)
}

// wait lets the rest of a frame come, once. It reports false when the tunnel has had that.
func (t *tunnel) wait() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.over || t.late {
		return false
	}
	t.late = !t.frames.between()
	_ = t.conn.SetReadDeadline(time.Now().Add(frameTime)) // of a connection that ends anyway
	return true
}

// replace ends the tunnel, because the app's generation was replaced.
func (t *tunnel) replace() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.over = true
	_ = t.conn.SetReadDeadline(time.Unix(1, 0))
	t.limit = time.AfterFunc(closeTime, func() {
		if taken := t.client.taken.Load(); taken != nil {
			taken.Close()
		}
	})
}

// end stops the work that replace began.
func (t *tunnel) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.limit != nil {
		t.limit.Stop()
	}
}

// frames follows the frames of a WebSocket (RFC 6455, section 5.2). Its zero value is before the
// first frame.
type frames struct {
	head [14]byte
	have int    // bytes of the head
	left uint64 // bytes of the payload that have not passed yet
}

// between reports whether one frame has ended and the next one not begun.
func (f *frames) between() bool { return f.have == 0 && f.left == 0 }

// take follows a piece, to its end or, if stop is set, to the end of the frame that it begins with.
// It returns how far.
func (f *frames) take(p []byte, stop bool) (taken int) {
	for taken < len(p) {
		if stop && f.between() {
			break
		}
		if f.left > 0 {
			n := min(f.left, uint64(len(p)-taken))
			f.left -= n
			taken += int(n)
			continue
		}
		f.head[f.have] = p[taken]
		f.have++
		taken++
		f.measure()
	}
	return taken
}

// measure reads the length of the payload when the head is complete.
func (f *frames) measure() {
	if f.have < 2 {
		return
	}
	size, length := 2, uint64(f.head[1]&0x7f)
	switch length {
	case 126:
		size = 4
	case 127:
		size = 10
	}
	masked := 0
	if f.head[1]&0x80 != 0 {
		masked = 4
	}
	if f.have < size+masked {
		return
	}
	if size > 2 {
		length = 0
		for _, c := range f.head[2:size] {
			length = length<<8 | uint64(c)
		}
	}
	f.have, f.left = 0, length
}
