package kernelaudit

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// eventTime is how long the records of an event may take to come, one after the other.
	eventTime = 2 * time.Millisecond

	// readInterval is how long records gather while there are many: a process that is denied
	// something all the time costs this process what fits into the socket's buffer, ten times a
	// second.
	readInterval = 100 * time.Millisecond
	many         = 32

	// maxRecords is how many records are read in an interval. More than that are left to the
	// kernel, which drops them.
	maxRecords = 1024

	// maxSize is how long a record may be (MAX_AUDIT_MESSAGE_LENGTH).
	maxSize = 8970

	headerSize = unix.NLMSG_HDRLEN
)

var errContained = errors.New("cannot read the kernel's audit records in a namespace of processes")

// Reader reads denials of all processes of the machine.
type Reader struct {
	file *os.File
	conn syscall.RawConn
}

// Open begins to read. It fails without CAP_AUDIT_READ in the first user namespace, where the
// kernel audits nothing, and in a container: the records have other numbers of processes than this
// process sees, which may be those of others there.
func Open() (*Reader, error) {
	if !inFirstNamespace() {
		return nil, errContained
	}
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_AUDIT)
	if err != nil {
		return nil, fmt.Errorf("cannot open a socket for the kernel's audit records: %w", err)
	}
	r := &Reader{file: os.NewFile(uintptr(fd), "audit records")}
	if err = errors.Join(
		takeOnly(fd, typeAccess, typeDomain, typeSeccomp, typeCall),
		unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: 1 << (unix.AUDIT_NLGRP_READLOG - 1)}),
	); err == nil {
		r.conn, err = r.file.SyscallConn()
	}
	if err != nil {
		r.file.Close()
		return nil, fmt.Errorf("cannot read the kernel's audit records: %w", err)
	}
	return r, nil
}

// takeOnly drops records of other types before they reach the socket's buffer: where everything is
// audited, there are thousands in a second.
func takeOnly(fd int, kinds ...uint16) error {
	const typeOffset = 4 // in struct nlmsghdr
	filter := []unix.SockFilter{{Code: unix.BPF_LD | unix.BPF_H | unix.BPF_ABS, K: typeOffset}}
	for _, kind := range kinds {
		filter = append(filter,
			unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: 1, K: uint32(inNetworkOrder(kind))},
			unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: 1 << 16})
	}
	filter = append(filter, unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K})
	return unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]})
}

// inNetworkOrder is what a filter loads of a number that the kernel has stored in its own order.
func inNetworkOrder(n uint16) uint16 {
	var stored [2]byte
	binary.NativeEndian.PutUint16(stored[:], n)
	return binary.BigEndian.Uint16(stored[:])
}

// Watch calls denied with what the kernel denies until the reader is closed, from this goroutine,
// and not for all when there is very much.
func (r *Reader) Watch(denied func(Denial)) {
	var e events
	buffer := make([]byte, maxSize)
	for {
		err := r.conn.Read(func(fd uintptr) bool { return readable(int(fd)) })
		if err != nil {
			return
		}
		records := r.take(buffer)
		if e.wantsMore(records) {
			time.Sleep(eventTime)
			records = append(records, r.take(buffer)...)
		}
		for _, d := range e.denials(records) {
			denied(d)
		}
		if len(records) > many {
			time.Sleep(readInterval)
		}
	}
}

// readable reports whether something can be read.
func readable(fd int) bool {
	_, _, err := unix.Recvfrom(fd, nil, unix.MSG_PEEK|unix.MSG_DONTWAIT|unix.MSG_TRUNC)
	return !errors.Is(err, unix.EAGAIN)
}

// take reads the records that are there.
func (r *Reader) take(buffer []byte) (all []record) {
	_ = r.conn.Control(func(fd uintptr) { // it fails once the reader is closed
		for range maxRecords {
			n, from, err := unix.Recvfrom(int(fd), buffer, unix.MSG_DONTWAIT)
			switch {
			case errors.Is(err, unix.ENOBUFS), errors.Is(err, unix.EINTR): // some were dropped
				continue
			case err != nil:
				return
			}
			kernel, ok := from.(*unix.SockaddrNetlink)
			if !ok || kernel.Pid != 0 || n < headerSize {
				continue
			}
			if one, ok := parse(binary.NativeEndian.Uint16(buffer[4:]), buffer[headerSize:n]); ok {
				all = append(all, one)
			}
		}
	})
	return all
}

// Close ends Watch.
func (r *Reader) Close() { r.file.Close() }
