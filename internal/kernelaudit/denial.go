package kernelaudit

import "net/netip"

// Denial is something that a process tried and the kernel denied.
type Denial struct {
	// PID is the process; 0: the kernel does not say, or says only which process was running.
	PID int

	// Domain is the domain of Landlock that the process is in, whose number no other gets until the
	// machine is restarted; 0: Landlock has not denied it.
	Domain uint64

	// Owner is the process that made the domain, by confining itself; 0: the kernel has not said.
	// It may have ended long before, so that another process has the number.
	Owner int

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
