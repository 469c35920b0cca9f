package sandbox

import "golang.org/x/sys/unix"

const (
	nativeArch = unix.AUDIT_ARCH_X86_64

	// foreignCalls is the first number of the calls of the x32 interface, which are others under
	// the same architecture.
	foreignCalls = 0x40000000
)

// deniedHere are denied calls that only this architecture has.
var deniedHere = []uintptr{unix.SYS_KEXEC_FILE_LOAD, unix.SYS_IOPERM, unix.SYS_IOPL, unix.SYS_USELIB, unix.SYS_USTAT, unix.SYS__SYSCTL}
