package proc

import (
	"os"
	"syscall"
	"time"

	"github.com/modgw/modgw/internal/sandbox"
)

// Spec describes the process to start. Path and Env must be set: the process inherits no variables
// from this process's environment.
type Spec struct {
	Path       string              // absolute
	Args       []string            // without the program's name
	Env        []string            // "KEY=value"
	Dir        string              // working directory; "": this process's own
	Credential *syscall.Credential // nil: this process's own user
	Files      []*os.File          // descriptors 3, 4, …; still the caller's to close
	Limits     Limits              // limits and priority; zero: this process's
	Sandbox    *sandbox.Rules      // rules that confine it; nil: none
	Scope      *Scope              // scope of it and its children; nil: none
	Output     Output              // receiver of its output
	Stdin      *os.File            // standard input, still the caller's to close; nil: none
	Stdout     *os.File            // standard output, still the caller's; nil: lines of Output

	// Lifeline adds one more descriptor after Files: the reading end of a pipe that carries no
	// data, and whose other end closes when this process ends in any way. A process that arms it
	// with O_ASYNC, with its own process group as the owner, is then ended by SIGIO, even if it
	// hangs.
	//
	// PR_SET_PDEATHSIG would not work: it depends on the thread that started the process, and Go
	// may end threads at any time.
	Lifeline bool

	// Leash adds such a descriptor, too, but armed before the program runs, for a program that does
	// not know about it: its group is killed when this process ends, as long as a process in the
	// group has the descriptor open.
	Leash bool
}

// Output determines how the lines that a process prints are handled.
type Output struct {
	// Line is called for each line, from one goroutine per stream. nil discards the lines.
	Line func(Line)

	// Raw is called with data from standard output before it is split into lines, and with
	// incomplete lines: for a terminal. nil: only Line gets the output.
	Raw func([]byte)

	MaxLine   int // bytes; longer lines are cut. 0: 16 KiB
	PerSecond int // lines per stream; further lines are dropped and counted. 0: 2000

	BytesPerSecond int // bytes per stream; further lines are dropped and counted. 0: 1 MiB
}

// Line is one line of output, or a whole Python traceback with line feeds between its lines.
// Control characters and bytes that are no UTF-8 are escaped, so that it can be shown on a
// terminal.
type Line struct {
	Stream  string // "stdout" or "stderr"
	Text    string // line without its end
	PID     int    // id of the process
	Dropped int    // number of lines that were dropped before this one; Text is empty then

	DroppedBytes int // total length of those lines
}

const (
	// pipeDelay is the time for which output is still read after the end of the process: a process
	// outside its group that it has left behind may keep the pipes open for ever.
	pipeDelay = time.Second

	defaultMaxLine   = 16 << 10
	defaultPerSecond = 2000

	defaultBytesPerSecond = 1 << 20
)
