package sandbox

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
)

// Use is something that a process has used, for which it needs a rule.
type Use struct {
	Path  string         // absolute file or folder; "": it is about a connection
	Write bool           // Path is changed; a folder is, when something in it is made or removed
	To    netip.AddrPort // end of a connection; zero: Path is used
}

// traced says what a system call uses.
type traced struct {
	folder int // argument with the folder that path is relative to; -1: the working directory
	path   int // argument with the path; -1: the call has an address
	flags  int // argument with the flags of an open file; -1: it has none
	effect effect
}

// effect is what a call does with its path.
type effect uint8

const (
	reads  effect = iota // opens it, as the flags say
	writes               // changes it
	enters               // makes or removes it, which changes its folder
)

// tracedCalls are the calls that are reported, by number.
func tracedCalls() map[uintptr]traced {
	calls := map[uintptr]traced{
		unix.SYS_OPENAT: {0, 1, 2, reads}, unix.SYS_OPENAT2: {0, 1, -1, reads},
		unix.SYS_EXECVE: {-1, 0, -1, reads}, unix.SYS_EXECVEAT: {0, 1, -1, reads},
		unix.SYS_TRUNCATE: {-1, 0, -1, writes},
		unix.SYS_MKDIRAT:  {0, 1, -1, enters}, unix.SYS_UNLINKAT: {0, 1, -1, enters}, unix.SYS_MKNODAT: {0, 1, -1, enters},
		unix.SYS_RENAMEAT2: {2, 3, -1, enters}, unix.SYS_LINKAT: {2, 3, -1, enters}, unix.SYS_SYMLINKAT: {1, 2, -1, enters},
		unix.SYS_CONNECT: {-1, -1, -1, reads},
	}
	for number, call := range tracedHere {
		calls[number] = call
	}
	return calls
}

// learningFilter lets every call through, and reports the traced ones first.
func learningFilter() program {
	p := program{}
	p.load(offsetArch)
	p.ifNot(nativeArch, allow)
	p.load(offsetCall)
	for number := range tracedCalls() {
		p.ifEqual(uint32(number), unix.SECCOMP_RET_USER_NOTIF)
	}
	p.ret(allow)
	return p
}

// listen installs the filter for learning in this thread, and returns the descriptor on which calls
// are reported. They wait until they are answered.
func listen(p program) (int, error) {
	prog := unix.SockFprog{Len: uint16(len(p)), Filter: &p[0]}
	fd, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_NEW_LISTENER, uintptr(unsafe.Pointer(&prog)))
	if errno != 0 {
		return -1, errno
	}
	return int(fd), nil
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

// Watch reports what the processes use whose calls come on the listener, which it closes. It
// returns when none of them is left. Every call is carried out.
func Watch(listener *os.File, report func(Use)) {
	defer listener.Close()
	conn, err := listener.SyscallConn()
	if err != nil {
		return
	}
	calls := tracedCalls()
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
			n = notification{} // the kernel wants zeros
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

// use is what a call uses. It reports false for a call that needs no rule.
func (n *notification) use(call traced) (Use, bool) {
	if call.path < 0 {
		return n.connection()
	}
	path := n.text(n.Args[call.path])
	if path == "" {
		return Use{}, false
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(n.folder(call.folder), path)
	}
	if path = filepath.Clean(path); !filepath.IsAbs(path) {
		return Use{}, false
	}
	exists := unix.Access(path, unix.F_OK) == nil
	switch flags := n.openFlags(call); {
	case call.effect == enters, flags&unix.O_CREAT != 0 && !exists:
		return Use{Path: filepath.Dir(path), Write: true}, true
	case !exists, flags&unix.O_PATH != 0:
		return Use{}, false
	case call.effect == writes, flags&unix.O_ACCMODE != unix.O_RDONLY, flags&unix.O_TRUNC != 0:
		return Use{Path: path, Write: true}, true
	}
	return Use{Path: path}, true
}

// openFlags are the flags with which a call opens its path.
func (n *notification) openFlags(call traced) uint64 {
	switch {
	case call.flags >= 0:
		return n.Args[call.flags]
	case uintptr(n.Call) == unix.SYS_OPENAT2:
		how := make([]byte, 8) // struct open_how begins with them
		if n.read(n.Args[2], how) == len(how) {
			return binary.NativeEndian.Uint64(how)
		}
	}
	return 0
}

// folder is the folder that the path of a call is relative to.
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

// connection is where a call connects to.
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
		piece := make([]byte, page-at%page) // the next page may not be there
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

// read reads from the memory of the process, and returns how many bytes it could.
func (n *notification) read(at uint64, into []byte) int {
	local := []unix.Iovec{{Base: &into[0]}}
	local[0].SetLen(len(into))
	got, err := unix.ProcessVMReadv(int(n.PID), local, []unix.RemoteIovec{{Base: uintptr(at), Len: len(into)}}, 0)
	if err != nil {
		return 0
	}
	return got
}
