package sandbox

import (
	"cmp"
	"slices"
	"unsafe"

	"golang.org/x/sys/unix"
)

// deniedCalls are the system calls that no app needs and that have helped to break out of
// containers: into other processes, into the kernel, and into the view of the file system. It is
// about the list of container runtimes.
var deniedCalls = append([]uintptr{
	unix.SYS_PTRACE, unix.SYS_PROCESS_VM_READV, unix.SYS_PROCESS_VM_WRITEV, unix.SYS_KCMP, unix.SYS_PIDFD_GETFD,
	unix.SYS_KEXEC_LOAD, unix.SYS_INIT_MODULE, unix.SYS_FINIT_MODULE, unix.SYS_DELETE_MODULE,
	unix.SYS_REBOOT, unix.SYS_SYSLOG, unix.SYS_ACCT, unix.SYS_SWAPON, unix.SYS_SWAPOFF, unix.SYS_QUOTACTL,
	unix.SYS_QUOTACTL_FD, unix.SYS_SETTIMEOFDAY, unix.SYS_CLOCK_SETTIME, unix.SYS_CLOCK_ADJTIME, unix.SYS_ADJTIMEX,
	unix.SYS_SETHOSTNAME, unix.SYS_SETDOMAINNAME, unix.SYS_VHANGUP, unix.SYS_LOOKUP_DCOOKIE, unix.SYS_NFSSERVCTL,
	unix.SYS_MOUNT, unix.SYS_UMOUNT2, unix.SYS_PIVOT_ROOT, unix.SYS_CHROOT, unix.SYS_MOVE_MOUNT, unix.SYS_OPEN_TREE,
	unix.SYS_OPEN_TREE_ATTR, unix.SYS_FSOPEN, unix.SYS_FSCONFIG, unix.SYS_FSMOUNT, unix.SYS_FSPICK,
	unix.SYS_MOUNT_SETATTR, unix.SYS_OPEN_BY_HANDLE_AT, unix.SYS_FANOTIFY_INIT,
	unix.SYS_UNSHARE, unix.SYS_SETNS,
	unix.SYS_BPF, unix.SYS_PERF_EVENT_OPEN, unix.SYS_USERFAULTFD, unix.SYS_ADD_KEY, unix.SYS_REQUEST_KEY, unix.SYS_KEYCTL,
	// What io_uring does passes by this filter.
	unix.SYS_IO_URING_SETUP, unix.SYS_IO_URING_ENTER, unix.SYS_IO_URING_REGISTER,
	unix.SYS_MOVE_PAGES,
}, deniedHere...)

// newNamespaces are the flags of clone(2) that make namespaces. They give a process capabilities in
// these, and so let it reach much more of the kernel.
const newNamespaces = unix.CLONE_NEWNS | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC | unix.CLONE_NEWUSER | unix.CLONE_NEWPID |
	unix.CLONE_NEWNET | unix.CLONE_NEWCGROUP

// Offsets in struct seccomp_data.
const (
	offsetCall = 0
	offsetArch = 4
	offsetArgs = 16
)

const (
	allow = unix.SECCOMP_RET_ALLOW
	deny  = unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)

	// absent is the answer for calls that a program has another way for.
	absent = unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)

	noFamily   = unix.SECCOMP_RET_ERRNO | uint32(unix.EAFNOSUPPORT)
	noProtocol = unix.SECCOMP_RET_ERRNO | uint32(unix.EPROTONOSUPPORT)
)

// program is a filter under construction.
type program []unix.SockFilter

func (p *program) add(code uint16, k uint32, jt, jf uint8) {
	*p = append(*p, unix.SockFilter{Code: code, Jt: jt, Jf: jf, K: k})
}

// load loads a word of the call's data. The arguments that are looked at have 32 bits.
func (p *program) load(offset uint32) { p.add(unix.BPF_LD|unix.BPF_W|unix.BPF_ABS, offset, 0, 0) }

// loadArg loads an argument, whose lower half comes first on the machines that have a filter.
func (p *program) loadArg(n uint32) { p.load(offsetArgs + 8*n) }

func (p *program) ret(action uint32) { p.add(unix.BPF_RET|unix.BPF_K, action, 0, 0) }

// ifEqual, ifNot and ifAny return the action when what is loaded is the value, is not, or has one
// of the bits.
func (p *program) ifEqual(value, action uint32) {
	p.add(unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K, value, 0, 1)
	p.ret(action)
}

func (p *program) ifNot(value, action uint32) {
	p.add(unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K, value, 1, 0)
	p.ret(action)
}

func (p *program) ifAny(bits, action uint32) {
	p.add(unix.BPF_JMP|unix.BPF_JSET|unix.BPF_K, bits, 0, 1)
	p.ret(action)
}

// decision is the part of a filter about one call. It begins with the number of the call loaded,
// and each of its ways ends with a return.
type decision struct {
	call uint32
	then program
}

// decide makes the decision about a call.
func decide(call uintptr, body func(*program)) decision {
	d := decision{call: uint32(call)}
	body(&d.then)
	return d
}

// choose adds the decisions, which are in the order of their calls, so that they are found by
// halving: the kernel runs the filter at each call whose decision depends on its arguments, and a
// long list would cost more than the call. Other calls are allowed.
func (p *program) choose(decisions []decision) {
	if len(decisions) == 1 {
		d := decisions[0]
		p.add(unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K, d.call, 0, uint8(len(d.then)))
		*p = append(*p, d.then...)
		p.ret(allow)
		return
	}
	half := len(decisions) / 2
	var lower program
	lower.choose(decisions[:half])
	p.add(unix.BPF_JMP|unix.BPF_JGE|unix.BPF_K, decisions[half].call, uint8(len(lower)), 0)
	*p = append(*p, lower...)
	p.choose(decisions[half:])
}

// callFilter makes the filter for the system calls.
func callFilter(network Network) program {
	p := program{}
	p.load(offsetArch)
	p.ifNot(nativeArch, deny) // 32-bit programs have calls with other numbers
	p.load(offsetCall)
	if foreignCalls != 0 {
		p.add(unix.BPF_JMP|unix.BPF_JGE|unix.BPF_K, foreignCalls, 0, 1)
		p.ret(absent)
	}
	decisions := callDecisions(network)
	slices.SortFunc(decisions, func(a, b decision) int { return cmp.Compare(a.call, b.call) })
	p.choose(decisions)
	return p
}

// callDecisions are what the filter decides about each call that it does not simply allow.
func callDecisions(network Network) []decision {
	var all []decision
	for _, call := range deniedCalls {
		all = append(all, decide(call, func(p *program) { p.ret(deny) }))
	}
	all = append(all,
		// Its flags are in memory, where no filter can see them; the C library falls back to clone.
		decide(unix.SYS_CLONE3, func(p *program) { p.ret(absent) }),
		decide(unix.SYS_CLONE, func(p *program) {
			p.loadArg(0)
			p.ifAny(newNamespaces, deny)
			p.ret(allow)
		}),
		decide(unix.SYS_IOCTL, func(p *program) {
			p.loadArg(1)
			p.ifEqual(unix.TIOCSTI, deny) // types into the terminal that the host was started from
			p.ifEqual(unix.TIOCLINUX, deny)
			p.ret(allow)
		}),
		decide(unix.SYS_SOCKET, func(p *program) { p.socket(network) }),
	)
	if network != Open {
		all = append(all,
			withoutFastOpen(unix.SYS_SENDTO, 3), withoutFastOpen(unix.SYS_SENDMSG, 2), withoutFastOpen(unix.SYS_SENDMMSG, 3))
	}
	return all
}

// socket decides about a new socket: Unix sockets, the internet as far as it may be reached, and
// the list of the machine's addresses.
func (p *program) socket(network Network) {
	const typeMask = 0xf
	p.loadArg(0)
	p.ifEqual(unix.AF_UNIX, allow)
	var netlink program
	netlink.loadArg(2)
	netlink.ifNot(unix.NETLINK_ROUTE, noProtocol)
	netlink.ret(allow)
	p.add(unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K, unix.AF_NETLINK, 0, uint8(len(netlink)))
	*p = append(*p, netlink...)
	p.add(unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K, unix.AF_INET, 2, 0)
	p.add(unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K, unix.AF_INET6, 1, 0)
	p.ret(noFamily)
	if network == Open {
		p.ret(allow)
		return
	}
	// Rules for ports are about TCP alone, so that of what has connections only TCP may be used.
	p.loadArg(1)
	p.add(unix.BPF_ALU|unix.BPF_AND|unix.BPF_K, typeMask, 0, 0)
	if network == Listed {
		var datagram program
		datagram.loadArg(2)
		datagram.ifEqual(0, allow)
		datagram.ifEqual(unix.IPPROTO_UDP, allow)
		datagram.ret(noProtocol)
		p.add(unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K, unix.SOCK_DGRAM, 0, uint8(len(datagram)))
		*p = append(*p, datagram...)
	}
	p.ifNot(unix.SOCK_STREAM, deny)
	p.loadArg(2)
	p.ifEqual(0, allow)
	p.ifEqual(unix.IPPROTO_TCP, allow)
	p.ret(noProtocol)
}

// withoutFastOpen denies connections that are made by sending (TCP fast open), without the call
// that the rules for ports are about.
func withoutFastOpen(call uintptr, flags uint32) decision {
	return decide(call, func(p *program) {
		p.loadArg(flags)
		p.ifAny(unix.MSG_FASTOPEN, deny)
		p.ret(allow)
	})
}

// installFilter filters the calls of this thread, which has given up new privileges.
func installFilter(p program) error {
	prog := unix.SockFprog{Len: uint16(len(p)), Filter: &p[0]}
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_LOG, uintptr(unsafe.Pointer(&prog)))
	if errno != 0 {
		return errno
	}
	return nil
}
