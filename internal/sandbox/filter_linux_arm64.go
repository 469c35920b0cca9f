package sandbox

import "golang.org/x/sys/unix"

const (
	nativeArch   = unix.AUDIT_ARCH_AARCH64
	foreignCalls = 0 // none exist
)

// deniedHere are denied calls that only this architecture has.
var deniedHere = []namedCall{
	{unix.SYS_KEXEC_FILE_LOAD, "kexec_file_load"},
}

// tracedHere are traced calls that only this architecture has.
var tracedHere = map[uintptr]Traced{unix.SYS_RENAMEAT: {2, 3, -1, Enters}}
