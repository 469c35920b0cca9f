package kernelaudit

import (
	"encoding/binary"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Means describes which of the kernel's audit records this process can read.
type Means uint8

const (
	// Nothing can be read: this process has no permission, or is in a namespace to which the kernel
	// does not report.
	Nothing Means = iota

	// Calls means that denials of system call filters are reported, and that auditing is turned
	// off.
	Calls

	// Probably means that the state of auditing is unknown. Denials of system call filters are
	// reported.
	Probably

	// All means that all denials are reported.
	All
)

// Probe determines which records can be read now. An administrator may turn auditing on and off at
// any time.
func Probe() Means {
	r, err := Open()
	if err != nil {
		return Nothing
	}
	r.Close()
	if !sharesNetwork() {
		return Nothing
	}
	enabled, err := isEnabled()
	switch {
	case err == unix.EPERM:
		return Probably // CAP_AUDIT_CONTROL is missing
	case err != nil:
		return Nothing
	case enabled:
		return All
	}
	return Calls
}

// firstProcesses is the number of the first namespace of processes (PROC_PID_INIT_INO).
const firstProcesses = 0xEFFFFFFC

// inFirstNamespace reports whether the process IDs in the records are valid in this process's
// namespace.
func inFirstNamespace() bool {
	var stat unix.Stat_t
	err := unix.Stat("/proc/self/ns/pid", &stat)
	return err == nil && stat.Ino == firstProcesses
}

// sharesNetwork reports whether this process is in the network namespace of the machine's first
// process: the kernel sends records only there. If that is unknown, it probably is.
func sharesNetwork() bool {
	first, err := os.Readlink("/proc/1/ns/net")
	if err != nil {
		return true
	}
	own, err := os.Readlink("/proc/self/ns/net")
	return err == nil && own == first
}

// isEnabled asks the kernel whether auditing is turned on.
func isEnabled() (bool, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_AUDIT)
	if err != nil {
		return false, err
	}
	defer unix.Close(fd)
	const answerTime = time.Second
	limit := unix.NsecToTimeval(int64(answerTime))
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &limit); err != nil {
		return false, err
	}
	request := make([]byte, headerSize)
	binary.NativeEndian.PutUint32(request[0:], headerSize)
	binary.NativeEndian.PutUint16(request[4:], unix.AUDIT_GET)
	binary.NativeEndian.PutUint16(request[6:], unix.NLM_F_REQUEST)
	if err := unix.Sendto(fd, request, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return false, err
	}
	answer := make([]byte, maxSize)
	n, _, err := unix.Recvfrom(fd, answer, 0)
	if err != nil {
		return false, err
	}
	return enabledIn(answer[:n])
}

// enabledIn reads the answer of the kernel: struct audit_status, or an error.
func enabledIn(answer []byte) (bool, error) {
	const enabledOffset = 4
	if len(answer) < headerSize+2*enabledOffset {
		return false, unix.EBADMSG
	}
	body := answer[headerSize:]
	switch binary.NativeEndian.Uint16(answer[4:]) {
	case unix.AUDIT_GET:
		return binary.NativeEndian.Uint32(body[enabledOffset:]) != 0, nil
	case unix.NLMSG_ERROR:
		return false, unix.Errno(-int32(binary.NativeEndian.Uint32(body)))
	}
	return false, unix.EBADMSG
}
