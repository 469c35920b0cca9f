package sandbox

import (
	"fmt"
	"os"
)

// Rules say what a process and its later children may do. The zero value lets it open no file, and
// so start no program.
type Rules struct {
	Grants []Grant // files that may be opened

	Network Network  // networks that may be reached
	Connect []uint16 // TCP ports that may be connected to, when Network is Listed
	Listen  []uint16 // TCP ports that may be bound, unless Network is Open

	// Temporary is the folder that the process has as /tmp, where it can have mounts of its own.
	// Empty means that it has the machine's.
	Temporary string

	// Learn denies nothing, and has what the process uses reported.
	Learn bool

	// Means are those to use. One that turns out to be missing is an error then.
	Means Means

	// Misled gets each grant that leads elsewhere than it may, before the program runs. nil: they
	// are left out silently.
	Misled func(Misled) `json:"-"`

	// Watch gets the listener of a process that learns, for [Watch]. It must return at once.
	Watch func(listener *os.File) `json:"-"`
}

// Grant is a file, or a folder with all that is below it.
type Grant struct {
	Path  string // absolute; one that does not exist grants nothing
	Write bool   // it may be changed as well; otherwise it may be read and executed

	// Program says that it is a program, with which all is granted that was installed beside it:
	// for PREFIX/bin/NAME, wherever links lead, that is PREFIX/lib and the like.
	Program bool

	// Within are folders to one of which the path must lead, wherever links in it point. nil: it
	// may lead anywhere.
	Within []string
}

// Misled is a grant that leads elsewhere than it may, and so grants nothing.
type Misled struct {
	Path  string // path of the grant
	Leads string // file that it leads to, without links
	Write bool
}

// Network says how much of the network a process may reach.
type Network uint8

const (
	// Closed lets a process connect to nothing.
	Closed Network = iota

	// Listed lets it connect to the ports in Rules.Connect, and send datagrams.
	Listed

	// Open confines nothing.
	Open
)

// Error says what of the confinement did not succeed.
type Error struct {
	Step string // such as "drop the capabilities"
	Err  error  // reason of the kernel
}

// Error says which step it is.
func (e *Error) Error() string { return fmt.Sprintf("cannot %s: %v", e.Step, e.Err) }

// Unwrap returns the kernel's error.
func (e *Error) Unwrap() error { return e.Err }

func failed(step string, err error) error {
	if err == nil {
		return nil
	}
	return &Error{step, err}
}
