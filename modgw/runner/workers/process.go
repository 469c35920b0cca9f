package workers

import (
	"cmp"
	"syscall"

	"github.com/modgw/modgw/internal/proc"
)

// Process is the process of a worker: started or forked for the pool, or owned by someone else.
type Process interface {
	// PID is its id; 0: it is unknown.
	PID() int

	// Done closes when it has ended, for the host at least.
	Done() <-chan struct{}

	// Exit waits for its end, and returns the exit status.
	Exit() proc.Exit

	// Ending reports whether it has ended or is about to.
	Ending() bool

	// Kill ends it by force.
	Kill()

	// Signal sends a signal to it and its children.
	Signal(syscall.Signal)

	// SignalLeader sends a signal to it alone.
	SignalLeader(syscall.Signal)

	// Yield leaves the processors to others until Resume, where that can be.
	Yield()
	Resume()
}

var _ Process = (*proc.Process)(nil)

// Run starts the process of a worker.
func (w *Worker) Run(spec proc.Spec) (Process, error) {
	return w.RunProgram(spec, spec.Path)
}

// RunProgram is Run for a process that executes the program and listens on the ports.
func (w *Worker) RunProgram(spec proc.Spec, program string, listen ...uint16) (Process, error) {
	w.Fill(&spec)
	if err := w.pool.config.Sandbox.Confine(&spec, []string{program}, listen...); err != nil {
		return nil, err
	}
	return proc.Start(spec)
}

// Fill sets the parts of spec that are the same for all programs of an app: the environment and the
// working directory, unless they are set, the user, the limits, and the destination of output
// lines.
func (w *Worker) Fill(spec *proc.Spec) {
	c := w.pool.config
	d := c.Runner.Descriptor
	if spec.Env == nil {
		spec.Env = Environ(c.Runner, c.User)
	}
	if spec.Dir == "" {
		spec.Dir = cmp.Or(d.Home, d.Root)
	}
	spec.Credential = c.User.Credential()
	spec.Scope = w.pool.scope()
	spec.Limits = Limits(d, spec.Scope)
	spec.Output.Line = w.printer()
}

// printer returns a function that logs a line of output.
func (w *Worker) printer() func(proc.Line) {
	log := w.Log // without a pid, which is not known yet
	return func(line proc.Line) {
		if line.Dropped == 0 {
			w.output.Add(line.Text)
		}
		w.pool.config.Sandbox.LogLine(log, line)
	}
}
