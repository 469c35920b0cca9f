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
	// maxResponseHead is the largest size of a response's head, in bytes.
	maxResponseHead = 64 << 10

	// idleTime is how long an idle connection is kept. It is short because servers close idle
	// connections too, commonly after 2 seconds or more, and a request that meets that cannot be
	// resent unless it is safe. It is long enough for an app under load, and another connection to
	// the same machine costs next to nothing.
	idleTime = time.Second

	idleConnections = 128
)

// upstream is the way to reach one worker.
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

// end prevents further connections.
func (u *upstream) end() {
	if u == nil {
		return
	}
	u.dialing.Lock()
	u.ended = true
	u.dialing.Unlock()
	u.transport.CloseIdleConnections()
}

// dialError means that a request was not sent, because no process accepted the connection.
type dialError struct{ err error }

func (e *dialError) Error() string { return fmt.Sprintf("cannot connect to the program: %v", e.err) }
func (e *dialError) Unwrap() error { return e.err }
