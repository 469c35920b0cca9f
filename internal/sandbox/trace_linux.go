package sandbox

import "golang.org/x/sys/unix"

// Traced describes the use of a system call.
type Traced struct {
	Folder int    // argument with the folder that Path is relative to; -1: the working directory
	Path   int    // argument with the path; -1: the call has an address
	Flags  int    // argument with the flags of an open file; -1: it has none
	Effect Effect // effect of the call on Path
}

// Effect is the effect of a call on its path.
type Effect uint8

const (
	// Reads means that the call opens the file, according to the flags.
	Reads Effect = iota

	// Writes means that the call changes the file.
	Writes

	// Enters means that the call creates or removes the file, which changes its folder.
	Enters
)

// TracedCalls returns, by number, the calls that are reported for a process that learns.
func TracedCalls() map[uintptr]Traced {
	calls := map[uintptr]Traced{
		unix.SYS_OPENAT: {0, 1, 2, Reads}, unix.SYS_OPENAT2: {0, 1, -1, Reads},
		unix.SYS_EXECVE: {-1, 0, -1, Reads}, unix.SYS_EXECVEAT: {0, 1, -1, Reads},
		unix.SYS_TRUNCATE: {-1, 0, -1, Writes},
		unix.SYS_MKDIRAT:  {0, 1, -1, Enters}, unix.SYS_UNLINKAT: {0, 1, -1, Enters}, unix.SYS_MKNODAT: {0, 1, -1, Enters},
		unix.SYS_RENAMEAT2: {2, 3, -1, Enters}, unix.SYS_LINKAT: {2, 3, -1, Enters}, unix.SYS_SYMLINKAT: {1, 2, -1, Enters},
		unix.SYS_CONNECT: {-1, -1, -1, Reads},
	}
	for number, call := range tracedHere {
		calls[number] = call
	}
	return calls
}

// learningFilter allows every call, and reports the traced calls first.
func learningFilter() program {
	p := program{}
	p.load(offsetArch)
	p.ifNot(nativeArch, allow)
	p.load(offsetCall)
	for number := range TracedCalls() {
		p.ifEqual(uint32(number), unix.SECCOMP_RET_USER_NOTIF)
	}
	p.ret(allow)
	return p
}
