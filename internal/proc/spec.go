package proc

import (
	"os"
	"syscall"
	"time"

	"github.com/modgw/modgw/internal/sandbox"
)

// Spec says what to start. Path and Env must be set: nothing of this process's own environment is
// passed on.
type Spec struct {
	Path       string              // absolute
	Args       []string            // without the program's name
	Env        []string            // "KEY=value"
	Dir        string              // working directory; "": this process's own
	Credential *syscall.Credential // nil: this process's own user
	Files      []*os.File          // descriptors 3, 4, …; still the caller's to close
	Limits     Limits              // limits and priority; zero: those of this process
	Sandbox    *sandbox.Rules      // rules that confine it; nil: none
	Scope      *Scope              // scope of it and its children; nil: none
	Output     Output              // receiver of what it prints
	Stdin      *os.File            // standard input, still the caller's to close; nil: none
	Stdout     *os.File            // standard output, still the caller's; nil: lines of Output

	// Lifeline adds one more descriptor after Files: the reading end of a pipe into which nothing
	// is ever written and whose other end closes when this process ends, however it ends. A process
	// that arms it with O_ASYNC and its own process group as owner is ended by SIGIO then, even
	// when it is stuck.
	//
	// PR_SET_PDEATHSIG would not do: it is bound to the thread that started the process, and Go
	// ends threads at will.
	Lifeline bool

	// Leash adds such a descriptor too, armed before the program runs, for a program that knows
	// nothing of it: its group is killed when this process ends, as long as a process in it has the
	// descriptor open.
	Leash bool
}

// Output says what happens to the lines that a process prints.
type Output struct {
	// Line is called for each line, from one goroutine for each stream. nil throws them away.
	Line func(Line)

	// Raw is called with what comes on standard output before it is split into lines, also with a
	// piece of a line: for a terminal. nil: it is for lines alone.
	Raw func([]byte)

	MaxLine   int // bytes; longer lines are cut. 0: 16 KiB
	PerSecond int // lines of a stream; what comes beyond is counted and dropped. 0: 2000

	BytesPerSecond int // limit of each stream; what comes beyond is counted and dropped. 0: 1 MiB
}

// Line is one line of output, or a whole Python traceback with line feeds between its lines.
// Control characters and bytes that are no UTF-8 are escaped, so that it can be shown on a
// terminal.
type Line struct {
	Stream  string // "stdout" or "stderr"
	Text    string // line without its end
	PID     int    // id of the process
	Dropped int    // so many lines were dropped before this; Text is empty then

	DroppedBytes int // the length of those lines
}

const (
	// pipeDelay is how long output is still read after the process ended: another process that it
	// left behind, outside its group, may hold the pipes open for ever.
	pipeDelay = time.Second

	defaultMaxLine   = 16 << 10
	defaultPerSecond = 2000

	defaultBytesPerSecond = 1 << 20
)
