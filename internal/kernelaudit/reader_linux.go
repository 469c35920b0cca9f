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
	// eventTime is the time within which the records of an event arrive one after the other.
	eventTime = 2 * time.Millisecond

	// readInterval is the pause between reads while there are many records. It limits the cost of a
	// process that is denied accesses constantly to one socket buffer of records, ten times per
	// second.
	readInterval = 100 * time.Millisecond
	many         = 32

	// maxRecords is the maximum number of records read per interval. The kernel drops the rest.
	maxRecords = 1024

	// maxSize is the maximum length of a record (MAX_AUDIT_MESSAGE_LENGTH).
	maxSize = 8970

	headerSize = unix.NLMSG_HDRLEN
)

var errContained = errors.New("cannot read the kernel's audit records in a namespace of processes")

// Reader reads denials of all processes of the machine.
type Reader struct {
	file *os.File
	conn syscall.RawConn
}

// Open starts reading. It fails without CAP_AUDIT_READ; outside the initial user namespace, where
// the kernel audits nothing; and in a container, because the process IDs in the records are those
// of another namespace and may belong to other processes here.
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

// takeOnly drops records of other types before they reach the socket's buffer: if everything is
// audited, there are thousands per second.
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

// inNetworkOrder returns the value that a filter loads for a number that the kernel has stored in
// its native byte order.
func inNetworkOrder(n uint16) uint16 {
	var stored [2]byte
	binary.NativeEndian.PutUint16(stored[:], n)
	return binary.BigEndian.Uint16(stored[:])
}

// Watch calls denied, from this goroutine, for the denials of the kernel until the reader is
// closed. If there are very many, some are left out.
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

// take reads the available records.
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
