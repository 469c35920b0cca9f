// Package learn reports the files and addresses used by confined processes that run in learning
// mode ([sandbox.Rules.Learn]).
package learn

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/modgw/modgw/internal/sandbox"
)

// Use is a file or an address that a process has used, and for which it needs a rule.
type Use struct {
	Path  string         // absolute file or folder; "": a connection
	Write bool           // Path is changed; a folder is, when something in it is made or removed
	To    netip.AddrPort // end of a connection; zero: Path is used
}

// notification is struct seccomp_notif.
type notification struct {
	ID    uint64
	PID   uint32
	Flags uint32
	Call  int32
	Arch  uint32
	_     uint64
	Args  [6]uint64
}

// answer is struct seccomp_notif_resp.
type answer struct {
	ID    uint64
	Value int64
	Errno int32
	Flags uint32
}

// Watch reports the uses of the processes whose system calls arrive on the listener, and closes the
// listener. It returns when all of them have ended. Every call is carried out.
func Watch(listener *os.File, report func(Use)) {
	defer listener.Close()
	conn, err := listener.SyscallConn()
	if err != nil {
		return
	}
	calls := sandbox.TracedCalls()
	for {
		var n notification
		ended := false
		err := conn.Read(func(fd uintptr) bool {
			ready := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
			if count, err := unix.Poll(ready, 0); count == 0 || err != nil {
				return err != nil && err != unix.EINTR
			}
			if ready[0].Revents&unix.POLLIN == 0 {
				ended = true
				return true
			}
			n = notification{} // the kernel requires zeros
			_, _, errno := unix.Syscall(unix.SYS_IOCTL, fd, unix.SECCOMP_IOCTL_NOTIF_RECV, uintptr(unsafe.Pointer(&n)))
			if errno != 0 {
				n.ID = 0 // the process was killed meanwhile
				return true
			}
			return true
		})
		if err != nil || ended {
			return
		}
		if n.ID == 0 {
			continue
		}
		if use, ok := n.use(calls[uintptr(n.Call)]); ok {
			report(use)
		}
		a := answer{ID: n.ID, Flags: unix.SECCOMP_USER_NOTIF_FLAG_CONTINUE}
		_ = conn.Control(func(fd uintptr) {
			// An error means that the process is not there any more.
			_, _, _ = unix.Syscall(unix.SYS_IOCTL, fd, unix.SECCOMP_IOCTL_NOTIF_SEND, uintptr(unsafe.Pointer(&a)))
		})
	}
}

// use returns the use of a system call. It reports false if the call requires no rule.
func (n *notification) use(call sandbox.Traced) (Use, bool) {
	if call.Path < 0 {
		return n.connection()
	}
	path := n.text(n.Args[call.Path])
	if path == "" {
		return Use{}, false
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(n.folder(call.Folder), path)
	}
	if path = filepath.Clean(path); !filepath.IsAbs(path) {
		return Use{}, false
	}
	exists := unix.Access(path, unix.F_OK) == nil
	switch flags := n.openFlags(call); {
	case call.Effect == sandbox.Enters, flags&unix.O_CREAT != 0 && !exists:
		return Use{Path: filepath.Dir(path), Write: true}, true
	case !exists, flags&unix.O_PATH != 0:
		return Use{}, false
	case call.Effect == sandbox.Writes, flags&unix.O_ACCMODE != unix.O_RDONLY, flags&unix.O_TRUNC != 0:
		return Use{Path: path, Write: true}, true
	}
	return Use{Path: path}, true
}

// openFlags returns the flags with which a call opens its path.
func (n *notification) openFlags(call sandbox.Traced) uint64 {
	switch {
	case call.Flags >= 0:
		return n.Args[call.Flags]
	case uintptr(n.Call) == unix.SYS_OPENAT2:
		how := make([]byte, 8) // struct open_how begins with them
		if n.read(n.Args[2], how) == len(how) {
			return binary.NativeEndian.Uint64(how)
		}
	}
	return 0
}

// folder returns the folder that the path of a call is relative to.
func (n *notification) folder(arg int) string {
	const workingDir = -100 // AT_FDCWD
	link := fmt.Sprintf("/proc/%d/cwd", n.PID)
	if arg >= 0 && int32(n.Args[arg]) != workingDir {
		link = fmt.Sprintf("/proc/%d/fd/%d", n.PID, int32(n.Args[arg]))
	}
	folder, err := os.Readlink(link)
	if err != nil {
		return ""
	}
	return folder
}

// connection returns the address that a call connects to.
func (n *notification) connection() (Use, bool) {
	const longest = 28 // sockaddr_in6
	address := make([]byte, min(n.Args[2], longest))
	if len(address) < 8 || n.read(n.Args[1], address) != len(address) {
		return Use{}, false
	}
	port := binary.BigEndian.Uint16(address[2:])
	var host netip.Addr
	switch family := binary.NativeEndian.Uint16(address); {
	case family == syscall.AF_INET:
		host, _ = netip.AddrFromSlice(address[4:8])
	case family == syscall.AF_INET6 && len(address) >= 24:
		host, _ = netip.AddrFromSlice(address[8:24])
	default:
		return Use{}, false
	}
	return Use{To: netip.AddrPortFrom(host.Unmap(), port)}, port != 0
}

// text reads a path from the memory of the process.
func (n *notification) text(at uint64) string {
	const longest = 4096
	page := uint64(os.Getpagesize())
	var path []byte
	for len(path) < longest {
		piece := make([]byte, page-at%page) // the next page may be unmapped
		got := n.read(at, piece)
		if got <= 0 {
			return ""
		}
		if end := bytes.IndexByte(piece[:got], 0); end >= 0 {
			return string(append(path, piece[:end]...))
		}
		path, at = append(path, piece[:got]...), at+uint64(got)
	}
	return ""
}

// read reads from the memory of the process, and returns the number of bytes read.
func (n *notification) read(at uint64, into []byte) int {
	local := []unix.Iovec{{Base: &into[0]}}
	local[0].SetLen(len(into))
	got, err := unix.ProcessVMReadv(int(n.PID), local, []unix.RemoteIovec{{Base: uintptr(at), Len: len(into)}}, 0)
	if err != nil {
		return 0
	}
	return got
}
