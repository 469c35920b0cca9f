package process

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"
)

const (
	// maxResponseHead is how many bytes the head of a response may have.
	maxResponseHead = 64 << 10

	// idleTime is how long a connection without a request is kept. It is short because servers
	// close idle connections as well, after 2 seconds at the least that is common, and a request
	// that meets that end cannot be sent again unless it is safe. It is long enough for an app
	// under load, and another connection to the same machine costs next to nothing.
	idleTime = time.Second

	idleConnections = 128
)

// upstream is how one worker is reached.
type upstream struct {
	address   address
	transport *http.Transport

	dialing sync.RWMutex // held for writing once the address may become someone else's
	ended   bool
}

func newUpstream(a address) *upstream {
	u := &upstream{address: a}
	u.transport = &http.Transport{
		DialContext:            u.dial,
		DisableCompression:     true,
		MaxIdleConnsPerHost:    idleConnections,
		IdleConnTimeout:        idleTime,
		MaxResponseHeaderBytes: maxResponseHead,
	}
	return u
}

// dial connects to the worker. An error is a *dialError.
func (u *upstream) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	u.dialing.RLock()
	defer u.dialing.RUnlock()
	if u.ended {
		return nil, &dialError{syscall.ECONNREFUSED}
	}
	c, err := u.address.dial(ctx)
	if err != nil {
		return nil, &dialError{err}
	}
	return &conn{Conn: c}, nil
}

// end lets no one connect any more.
func (u *upstream) end() {
	if u == nil {
		return
	}
	u.dialing.Lock()
	u.ended = true
	u.dialing.Unlock()
	u.transport.CloseIdleConnections()
}

// dialError says that a request was not sent, because there was no one to send it to.
type dialError struct{ err error }

func (e *dialError) Error() string { return fmt.Sprintf("cannot connect to the program: %v", e.err) }
func (e *dialError) Unwrap() error { return e.err }
