package nowait

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// call is a system call on a socket, which returns EAGAIN where it would wait.
type call func(fd uintptr, message *unix.Msghdr) (n int, errno syscall.Errno)

// transfer is one direction of a connection. What a call needs is kept here, so that none costs an
// allocation.
type transfer struct {
	wait func(func(fd uintptr) bool) error // calls again and again, when the socket may be ready, until that reports true
	try  func(fd uintptr) bool

	mu      sync.Mutex // held while a call is made, and waits
	pieces  [MaxPieces]unix.Iovec
	message unix.Msghdr
	n       int
	errno   syscall.Errno
}

func (t *transfer) begin(wait func(func(fd uintptr) bool) error, c call) {
	t.wait = wait
	t.try = func(fd uintptr) bool {
		for {
			t.n, t.errno = c(fd, &t.message)
			if t.errno != unix.EINTR {
				return t.errno != unix.EAGAIN
			}
		}
	}
}

// do moves bytes of the pieces in their order, which are not all empty, and of oob.
func (t *transfer) do(op string, oob []byte, pieces ...[]byte) (n, oobn, flags int, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.message = unix.Msghdr{Iov: &t.pieces[0]}
	t.message.SetIovlen(t.fill(pieces))
	if len(oob) > 0 {
		t.message.Control = &oob[0]
		t.message.SetControllen(len(oob))
	}
	err = t.wait(t.try)
	t.pieces, t.message.Control = [MaxPieces]unix.Iovec{}, nil
	switch {
	case err != nil:
		return 0, 0, 0, named(op, err)
	case t.errno != 0:
		return 0, 0, 0, &net.OpError{Op: op, Net: "socket", Err: os.NewSyscallError(op, t.errno)}
	case t.n == 0:
		return 0, 0, 0, io.EOF // of reading: nothing but nothing is written by zero bytes
	}
	return t.n, int(t.message.Controllen), int(t.message.Flags), nil
}

// fill lists those of the pieces that are not empty and returns how many.
func (t *transfer) fill(pieces [][]byte) (count int) {
	for _, p := range pieces {
		if len(p) > 0 {
			t.pieces[count].Base = &p[0]
			t.pieces[count].SetLen(len(p))
			count++
		}
	}
	return count
}

// named is an error of waiting as the net package words those of op.
func named(op string, err error) error {
	if e, ok := errors.AsType[*net.OpError](err); ok {
		e.Op = op
	}
	return err
}

// Read reads once from a descriptor that does not wait. The error is a [syscall.Errno], EAGAIN
// where it would wait.
func Read(fd uintptr, p []byte) (int, error) {
	for {
		n, _, errno := unix.RawSyscall(unix.SYS_READ, fd, uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)))
		switch errno {
		case 0:
			return int(n), nil
		case unix.EINTR:
		default:
			return 0, errno
		}
	}
}

func receive(fd uintptr, message *unix.Msghdr) (int, syscall.Errno) {
	return raw(unix.SYS_RECVMSG, fd, message, unix.MSG_DONTWAIT|unix.MSG_CMSG_CLOEXEC)
}

func send(fd uintptr, message *unix.Msghdr) (int, syscall.Errno) {
	return raw(unix.SYS_SENDMSG, fd, message, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
}

func raw(number, fd uintptr, message *unix.Msghdr, flags uintptr) (int, syscall.Errno) {
	n, _, errno := unix.RawSyscall(number, fd, uintptr(unsafe.Pointer(message)), flags)
	if errno != 0 {
		return 0, errno
	}
	return int(n), 0
}
