package rawsocket

import (
	"errors"
	"io"
	"math"
	"net"
	"sync"

	"golang.org/x/sys/unix"
)

// transfer is one direction of a connection. It holds the state of a call, so that calls do not
// allocate.
type transfer struct {
	// calls its argument when the socket may be ready, until that reports true
	wait func(func(fd uintptr) bool) error
	try  func(fd uintptr) bool

	mu      sync.Mutex // held while a call is made, and waits
	message Message
	n       int
	err     error
}

func (t *transfer) begin(wait func(func(uintptr) bool) error, call func(int, *unix.Msghdr) (int, error)) {
	t.wait = wait
	t.try = func(fd uintptr) bool {
		t.n, t.err = call(int(fd), &t.message.header)
		return t.err != unix.EAGAIN
	}
}

// do moves the bytes of the pieces, in their order, and of oob. At least one piece must not be
// empty.
func (t *transfer) do(op string, oob []byte, pieces ...[]byte) (n, oobn, flags int, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.message.fill(math.MaxInt, oob, pieces)
	err = t.wait(t.try)
	oobn, flags = int(t.message.header.Controllen), int(t.message.header.Flags)
	t.message = Message{}
	switch {
	case err != nil:
		return 0, 0, 0, named(op, err)
	case t.err != nil:
		return 0, 0, 0, OpError(op, t.err)
	case t.n == 0:
		return 0, 0, 0, io.EOF // only reading moves zero bytes
	}
	return t.n, oobn, flags, nil
}

// named gives an error of waiting the name of the operation, as the net package does.
func named(op string, err error) error {
	if e, ok := errors.AsType[*net.OpError](err); ok {
		e.Op = op
	}
	return err
}
