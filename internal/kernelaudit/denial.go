package kernelaudit

import "net/netip"

// Denial is a denied action of a process.
type Denial struct {
	// PID is the ID of the process; 0 if the kernel does not report it, or reports only the process
	// that was running.
	PID int

	// Domain is the Landlock domain of the process, whose number is unique until the machine
	// restarts; 0: the denial is not by Landlock.
	Domain uint64

	// Owner is the ID of the process that made the domain by confining itself; 0: unknown. The
	// process may have ended long before, so that another process has the ID.
	Owner int

	Kind Kind   // determines which of the fields below are set
	Path string // absolute path for Files; "": unknown
	// Change means that Path, or an entry of the folder Path, was to be created, changed or
	// removed. Otherwise it was to be read or executed.
	Change bool

	To   netip.AddrPort // for Connect
	Port uint16         // for Listen

	Call uintptr // number of the system call, for Call
}

// Kind is the kind of access that was denied.
type Kind uint8

const (
	// Files are files and folders.
	Files Kind = iota

	// Connect is a connection by TCP.
	Connect

	// Listen is the binding of a TCP port.
	Listen

	// Signal is a signal to another process.
	Signal

	// Abstract is a connection to an abstract Unix socket.
	Abstract

	// Trace is access to another process, such as ptrace(2).
	Trace

	// Mount is a change of the view of the file system.
	Mount

	// Call is a system call.
	Call
)
