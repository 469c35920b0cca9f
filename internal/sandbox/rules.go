package sandbox

import (
	"fmt"
	"os"
)

// Rules determine the rights of a process and the children that it starts later. The zero value
// allows it to open no file, and so to start no program.
type Rules struct {
	Grants []Grant // files that may be opened

	Network Network  // networks that may be reached
	Connect []uint16 // TCP ports that may be connected to, when Network is Listed
	Listen  []uint16 // TCP ports that may be bound, unless Network is Open

	// Temporary is the folder that the process sees as /tmp, if it can have its own mounts. Empty
	// means the machine's /tmp.
	Temporary string

	// Learn denies no access, and reports the process's uses.
	Learn bool

	// Means are the means to use. It is an error if one of them turns out to be missing.
	Means Means

	// Misled is called, before the program runs, for each grant that leads to a place where it may
	// not lead. nil: these grants are silently left out.
	Misled func(Misled) `json:"-"`

	// Watch receives the listener of a process that learns, for [Watch]. It must return at once.
	Watch func(listener *os.File) `json:"-"`
}

// Grant is a file, or a folder with everything below it.
type Grant struct {
	Path  string // absolute; a path that does not exist grants no access
	Write bool   // it may be changed as well; otherwise it may be read and executed

	// Program means that the path is a program, and that all files installed with it are granted:
	// for PREFIX/bin/NAME, after following links, PREFIX/lib and the like.
	Program bool

	// Within are folders. The path must lead to one of them or below, wherever links in it point.
	// nil: it may lead anywhere.
	Within []string
}

// Misled is a grant that leads to a place where it may not lead, and so grants no access.
type Misled struct {
	Path  string // path of the grant
	Leads string // file that it leads to, without links
	Write bool
}

// Network is the extent to which a process may use the network.
type Network uint8

const (
	// Closed forbids all connections.
	Closed Network = iota

	// Listed allows connections to the ports in Rules.Connect, and datagrams.
	Listed

	// Open sets no limits.
	Open
)

// Error reports a step of the confinement that failed.
type Error struct {
	Step string // such as "drop the capabilities"
	Err  error  // reason of the kernel
}

// Error returns a message that names the step.
func (e *Error) Error() string { return fmt.Sprintf("cannot %s: %v", e.Step, e.Err) }

// Unwrap returns the kernel's error.
func (e *Error) Unwrap() error { return e.Err }

func failed(step string, err error) error {
	if err == nil {
		return nil
	}
	return &Error{step, err}
}
