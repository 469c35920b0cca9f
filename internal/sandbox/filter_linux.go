package sandbox

import (
	"cmp"
	"slices"
	"unsafe"

	"golang.org/x/sys/unix"
)

// deniedCalls are the system calls that apps do not need and that have helped to break out of
// containers: into other processes, into the kernel, and into the view of the file system. The list
// is similar to those of container runtimes.
var deniedCalls = append([]namedCall{
	{unix.SYS_PTRACE, "ptrace"}, {unix.SYS_PROCESS_VM_READV, "process_vm_readv"},
	{unix.SYS_PROCESS_VM_WRITEV, "process_vm_writev"}, {unix.SYS_KCMP, "kcmp"},
	{unix.SYS_PIDFD_GETFD, "pidfd_getfd"}, {unix.SYS_KEXEC_LOAD, "kexec_load"},
	{unix.SYS_INIT_MODULE, "init_module"}, {unix.SYS_FINIT_MODULE, "finit_module"},
	{unix.SYS_DELETE_MODULE, "delete_module"}, {unix.SYS_REBOOT, "reboot"},
	{unix.SYS_SYSLOG, "syslog"}, {unix.SYS_ACCT, "acct"}, {unix.SYS_SWAPON, "swapon"},
	{unix.SYS_SWAPOFF, "swapoff"}, {unix.SYS_QUOTACTL, "quotactl"},
	{unix.SYS_QUOTACTL_FD, "quotactl_fd"}, {unix.SYS_SETTIMEOFDAY, "settimeofday"},
	{unix.SYS_CLOCK_SETTIME, "clock_settime"}, {unix.SYS_CLOCK_ADJTIME, "clock_adjtime"},
	{unix.SYS_ADJTIMEX, "adjtimex"}, {unix.SYS_SETHOSTNAME, "sethostname"},
	{unix.SYS_SETDOMAINNAME, "setdomainname"}, {unix.SYS_VHANGUP, "vhangup"},
	{unix.SYS_LOOKUP_DCOOKIE, "lookup_dcookie"}, {unix.SYS_NFSSERVCTL, "nfsservctl"},
	{unix.SYS_MOUNT, "mount"}, {unix.SYS_UMOUNT2, "umount2"}, {unix.SYS_PIVOT_ROOT, "pivot_root"},
	{unix.SYS_CHROOT, "chroot"}, {unix.SYS_MOVE_MOUNT, "move_mount"},
	{unix.SYS_OPEN_TREE, "open_tree"}, {unix.SYS_OPEN_TREE_ATTR, "open_tree_attr"},
	{unix.SYS_FSOPEN, "fsopen"}, {unix.SYS_FSCONFIG, "fsconfig"}, {unix.SYS_FSMOUNT, "fsmount"},
	{unix.SYS_FSPICK, "fspick"}, {unix.SYS_MOUNT_SETATTR, "mount_setattr"},
	{unix.SYS_OPEN_BY_HANDLE_AT, "open_by_handle_at"}, {unix.SYS_FANOTIFY_INIT, "fanotify_init"},
	{unix.SYS_UNSHARE, "unshare"}, {unix.SYS_SETNS, "setns"}, {unix.SYS_BPF, "bpf"},
	{unix.SYS_PERF_EVENT_OPEN, "perf_event_open"}, {unix.SYS_USERFAULTFD, "userfaultfd"},
	{unix.SYS_ADD_KEY, "add_key"}, {unix.SYS_REQUEST_KEY, "request_key"},
	{unix.SYS_KEYCTL, "keyctl"},
	// Operations of io_uring bypass this filter.
	{unix.SYS_IO_URING_SETUP, "io_uring_setup"}, {unix.SYS_IO_URING_ENTER, "io_uring_enter"},
	{unix.SYS_IO_URING_REGISTER, "io_uring_register"}, {unix.SYS_MOVE_PAGES, "move_pages"},
}, deniedHere...)

// namedCall is a system call with its name.
type namedCall struct {
	number uintptr
	name   string
}

// conditionalCalls are denied for some of their arguments.
var conditionalCalls = []namedCall{
	{unix.SYS_CLONE, "clone"}, {unix.SYS_IOCTL, "ioctl"}, {unix.SYS_SENDTO, "sendto"}, {unix.SYS_SENDMSG, "sendmsg"},
	{unix.SYS_SENDMMSG, "sendmmsg"}, {unix.SYS_SOCKET, "socket"}, {unix.SYS_KILL, "kill"},
}

// DeniedCall returns the name of a system call that is denied, always or for some arguments; "":
// the filter allows it.
func DeniedCall(number uintptr) string {
	for _, calls := range [][]namedCall{deniedCalls, conditionalCalls} {
		for _, c := range calls {
			if c.number == number {
				return c.name
			}
		}
	}
	return ""
}

// newNamespaces are the flags of clone(2) that create namespaces. They give a process capabilities
// in the new namespaces, and so access to much more of the kernel.
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

	// absent is the result of calls for which programs have an alternative.
	absent = unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)

	noFamily   = unix.SECCOMP_RET_ERRNO | uint32(unix.EAFNOSUPPORT)
	noProtocol = unix.SECCOMP_RET_ERRNO | uint32(unix.EPROTONOSUPPORT)
)

// maxInstructions is the kernel's maximum length of a filter (BPF_MAXINSNS).
const maxInstructions = 4096

// program is a filter under construction.
type program []unix.SockFilter

func (p *program) add(code uint16, k uint32, jt, jf uint8) {
	*p = append(*p, unix.SockFilter{Code: code, Jt: jt, Jf: jf, K: k})
}

// load loads a word of the call's data. Only the lower 32 bits of arguments are checked.
func (p *program) load(offset uint32) { p.add(unix.BPF_LD|unix.BPF_W|unix.BPF_ABS, offset, 0, 0) }

// loadArg loads the lower half of an argument, which comes first on the supported architectures.
func (p *program) loadArg(n uint32) { p.load(offsetArgs + 8*n) }

func (p *program) ret(action uint32) { p.add(unix.BPF_RET|unix.BPF_K, action, 0, 0) }

// ifEqual, ifNot and ifAny return the action if the loaded word equals the value, differs from it,
// or has any of its bits.
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

// decision is the part of a filter that decides about one call. It begins when the number of the
// call is loaded, and each of its paths ends with a return.
type decision struct {
	call uint32
	then program
}

// decide returns the decision about a call.
func decide(call uintptr, body func(*program)) decision {
	d := decision{call: uint32(call)}
	body(&d.then)
	return d
}

// when adds a part that runs if a comparison with the loaded word has the given result; otherwise
// the part is skipped. A comparison can jump over at most 255 instructions, so a longer part has
// another jump before it.
func (p *program) when(comparison uint16, value uint32, result bool, part program) {
	const longest = 255
	into, past := uint8(0), uint8(min(len(part), longest))
	if len(part) > longest {
		into, past = 1, 0 // over the jump, and to it
	}
	yes, no := into, past
	if !result {
		yes, no = past, into
	}
	p.add(unix.BPF_JMP|comparison|unix.BPF_K, value, yes, no)
	if len(part) > longest {
		p.add(unix.BPF_JMP|unix.BPF_JA, uint32(len(part)), 0, 0)
	}
	*p = append(*p, part...)
}

// choose adds the decisions, which are in the order of their calls, so that they are found by
// halving: the kernel runs the filter at each call whose decision depends on its arguments, and a
// long list would cost more than the call. Other calls are allowed.
func (p *program) choose(decisions []decision) {
	if len(decisions) == 1 {
		d := decisions[0]
		p.when(unix.BPF_JEQ, d.call, true, d.then)
		p.ret(allow)
		return
	}
	half := len(decisions) / 2
	var lower program
	lower.choose(decisions[:half])
	p.when(unix.BPF_JGE, decisions[half].call, false, lower)
	p.choose(decisions[half:])
}

// callFilter returns the filter for the system calls.
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

// callDecisions returns the decisions about all calls that the filter does not simply allow.
func callDecisions(network Network) []decision {
	var all []decision
	for _, call := range deniedCalls {
		all = append(all, decide(call.number, func(p *program) { p.ret(deny) }))
	}
	all = append(all,
		decide(unix.SYS_CLONE, func(p *program) {
			p.loadArg(0)
			p.ifAny(newNamespaces, deny)
			p.ret(allow)
		}),
		decide(unix.SYS_IOCTL, func(p *program) {
			p.loadArg(1)
			p.ifEqual(unix.TIOCSTI, deny) // it types into the terminal of the host
			p.ifEqual(unix.TIOCLINUX, deny)
			p.ret(allow)
		}),
		decide(unix.SYS_KILL, func(p *program) {
			const all = 1<<32 - 1 // -1, all processes of the user
			p.loadArg(0)
			// the kernel reports success even if Landlock denies it for every process
			p.ifEqual(all, deny)
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
	p.when(unix.BPF_JEQ, unix.AF_NETLINK, true, netlink)
	p.add(unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K, unix.AF_INET, 2, 0)
	p.add(unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K, unix.AF_INET6, 1, 0)
	p.ret(noFamily)
	if network == Open {
		p.ret(allow)
		return
	}
	// Rules for ports only cover TCP, so TCP is the only protocol with connections that may be
	// used.
	p.loadArg(1)
	p.add(unix.BPF_ALU|unix.BPF_AND|unix.BPF_K, typeMask, 0, 0)
	if network == Listed {
		var datagram program
		datagram.loadArg(2)
		datagram.ifEqual(0, allow)
		datagram.ifEqual(unix.IPPROTO_UDP, allow)
		datagram.ret(noProtocol)
		p.when(unix.BPF_JEQ, unix.SOCK_DGRAM, true, datagram)
	}
	p.ifNot(unix.SOCK_STREAM, deny)
	p.loadArg(2)
	p.ifEqual(0, allow)
	p.ifEqual(unix.IPPROTO_TCP, allow)
	p.ret(noProtocol)
}

// withoutFastOpen denies connections that are made by sending (TCP fast open), without the call to
// which the rules for ports apply.
func withoutFastOpen(call uintptr, flags uint32) decision {
	return decide(call, func(p *program) {
		p.loadArg(flags)
		p.ifAny(unix.MSG_FASTOPEN, deny)
		p.ret(allow)
	})
}

// absentFilter returns the filter for calls that programs try although they have an alternative:
// these are no denials, and the kernel should not log them.
func absentFilter() program {
	p := program{}
	p.load(offsetCall)
	// Its flags are in memory, where a filter cannot see them; the C library falls back to clone.
	p.ifEqual(unix.SYS_CLONE3, absent)
	p.ret(allow)
	return p
}

// installFilter installs a filter of system calls for this thread, which has given up new
// privileges.
func installFilter(p program, flags uintptr) (listener int, err error) {
	if len(p) > maxInstructions {
		return -1, unix.E2BIG
	}
	prog := unix.SockFprog{Len: uint16(len(p)), Filter: &p[0]}
	fd, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags, uintptr(unsafe.Pointer(&prog)))
	if errno != 0 {
		return -1, errno
	}
	return int(fd), nil
}
