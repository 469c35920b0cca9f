package kernelaudit

import "net/netip"

// Denial is something that a process tried and the kernel denied.
type Denial struct {
	// PID is the process. For Landlock it may be the one that confined itself, whose children are
	// confined as it is.
	PID int

	Kind Kind   // says which of the fields below it has
	Path string // absolute path for Files; "": the kernel does not say
	// Change says that Path, or for a folder something in it, was to be made, changed or removed;
	// otherwise it was to be read or executed.
	Change bool

	To   netip.AddrPort // for Connect
	Port uint16         // for Listen

	Call uintptr // number of the system call, for Call
}

// Kind is what was denied.
type Kind uint8

const (
	// Files are files and folders.
	Files Kind = iota

	// Connect is a connection by TCP.
	Connect

	// Listen is a TCP port of its own.
	Listen

	// Signal is a signal to another process.
	Signal

	// Abstract is a connection to an abstract Unix socket.
	Abstract

	// Trace is a look into another process.
	Trace

	// Mount is a change of the view of the file system.
	Mount

	// Call is a system call.
	Call
)
