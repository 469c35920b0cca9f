package sandbox

import "golang.org/x/sys/unix"

const (
	nativeArch = unix.AUDIT_ARCH_X86_64

	// foreignCalls is the first number of the calls of the x32 interface, which has other calls
	// under the same architecture.
	foreignCalls = 0x40000000
)

// deniedHere are denied calls that only this architecture has.
var deniedHere = []namedCall{
	{unix.SYS_KEXEC_FILE_LOAD, "kexec_file_load"}, {unix.SYS_IOPERM, "ioperm"},
	{unix.SYS_IOPL, "iopl"}, {unix.SYS_USELIB, "uselib"}, {unix.SYS_USTAT, "ustat"},
	{unix.SYS__SYSCTL, "_sysctl"},
}

// tracedHere are calls that only this architecture has and that C libraries still make.
var tracedHere = map[uintptr]Traced{
	unix.SYS_OPEN: {-1, 0, 1, Reads}, unix.SYS_CREAT: {-1, 0, -1, Enters},
	unix.SYS_MKDIR: {-1, 0, -1, Enters}, unix.SYS_RMDIR: {-1, 0, -1, Enters}, unix.SYS_UNLINK: {-1, 0, -1, Enters},
	unix.SYS_RENAME: {-1, 1, -1, Enters}, unix.SYS_RENAMEAT: {2, 3, -1, Enters}, unix.SYS_LINK: {-1, 1, -1, Enters},
	unix.SYS_SYMLINK: {-1, 1, -1, Enters}, unix.SYS_MKNOD: {-1, 0, -1, Enters},
}
