package rawsocket

import (
	"io"
	"net"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Poll is epoll_wait(2) with a timeout in milliseconds.
func Poll(epoll int, events []unix.EpollEvent, timeout int) (int, error) {
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(epoll),
		uintptr(unsafe.Pointer(unsafe.SliceData(events))), uintptr(len(events)), uintptr(timeout),
		0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// Read reads once from a non-blocking descriptor. The error is io.EOF at the end, and unix.EAGAIN
// if no data is available.
func Read(fd int, p []byte) (int, error) {
	for {
		n, _, errno := unix.RawSyscall(unix.SYS_READ, uintptr(fd),
			uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)))
		switch {
		case errno == unix.EINTR:
		case errno != 0:
			return 0, errno
		case n == 0:
			return 0, io.EOF
		default:
			return int(n), nil
		}
	}
}

// Write writes once to a socket, and returns the number of bytes written. The error is unix.EAGAIN
// if the socket has no room.
func Write(fd int, p []byte) (int, error) {
	iov := unix.Iovec{Base: unsafe.SliceData(p)}
	iov.SetLen(len(p))
	message := unix.Msghdr{Iov: &iov}
	message.SetIovlen(1)
	return send(fd, &message)
}

// send is sendmsg(2) without waiting.
func send(fd int, message *unix.Msghdr) (int, error) {
	return call(unix.SYS_SENDMSG, fd, message, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
}

// receive is recvmsg(2) without waiting.
func receive(fd int, message *unix.Msghdr) (int, error) {
	return call(unix.SYS_RECVMSG, fd, message, unix.MSG_DONTWAIT|unix.MSG_CMSG_CLOEXEC)
}

func call(number uintptr, fd int, message *unix.Msghdr, flags uintptr) (int, error) {
	for {
		n, _, errno := unix.RawSyscall(number, uintptr(fd), uintptr(unsafe.Pointer(message)), flags)
		switch errno {
		case 0:
			return int(n), nil
		case unix.EINTR:
		default:
			return 0, errno
		}
	}
}

// OpError wraps the error of a system call like the net package does; op is "read" or "write".
// Other errors are returned unchanged.
func OpError(op string, err error) error {
	if errno, ok := err.(syscall.Errno); ok {
		return &net.OpError{Op: op, Net: "socket", Err: os.NewSyscallError(op, errno)}
	}
	return err
}
