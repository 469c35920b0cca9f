package eventloop

import (
	"io"
	"net"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// These calls never wait, and Go's scheduler is not told of them: told, it would have the thread that watches over system
// calls look after each of them, which costs more than they do.

// pollOnce is epoll_wait without waiting.
func pollOnce(epoll int, events []unix.EpollEvent) (int, syscall.Errno) {
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(epoll),
		uintptr(unsafe.Pointer(unsafe.SliceData(events))), uintptr(len(events)), 0, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), 0
}

// Read reads once from a descriptor that does not wait. The error is io.EOF at the end, unix.EAGAIN where it would wait.
func Read(fd int, p []byte) (int, error) {
	for {
		n, _, errno := unix.RawSyscall(unix.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)))
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

// Write writes once to a socket, and returns how much it took. The error is unix.EAGAIN where it would wait.
func Write(fd int, p []byte) (int, error) {
	var iov unix.Iovec
	iov.Base = unsafe.SliceData(p)
	iov.SetLen(len(p))
	message := unix.Msghdr{Iov: &iov}
	message.SetIovlen(1)
	return sendmsg(fd, &message)
}

func sendmsg(fd int, message *unix.Msghdr) (int, error) {
	return onMessage(unix.SYS_SENDMSG, fd, message, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
}

func recvmsg(fd int, message *unix.Msghdr) (int, error) {
	return onMessage(unix.SYS_RECVMSG, fd, message, unix.MSG_DONTWAIT|unix.MSG_CMSG_CLOEXEC)
}

func onMessage(number uintptr, fd int, message *unix.Msghdr, flags uintptr) (int, error) {
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

// named is the error of a system call as the net package words it.
func named(op string, err error) error {
	if errno, ok := err.(syscall.Errno); ok {
		return &net.OpError{Op: op, Net: "socket", Err: os.NewSyscallError(op, errno)}
	}
	return err
}
