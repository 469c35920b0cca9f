package sandbox

import "golang.org/x/sys/unix"

// Traced says what a system call uses.
type Traced struct {
	Folder int    // argument with the folder that Path is relative to; -1: the working directory
	Path   int    // argument with the path; -1: the call has an address
	Flags  int    // argument with the flags of an open file; -1: it has none
	Effect Effect // it says what the call does with Path
}

// Effect is what a call does with its path.
type Effect uint8

const (
	// Reads says that the call opens it, as the flags say.
	Reads Effect = iota

	// Writes says that the call changes it.
	Writes

	// Enters says that the call makes or removes it, which changes its folder.
	Enters
)

// TracedCalls are the calls that are reported for a process that learns, by number.
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

// learningFilter lets every call through, and reports the traced ones first.
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
