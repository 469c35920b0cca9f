package cgi

import (
	"errors"
	"io"
	"os"
	"path"
	"time"

	"github.com/modgw/modgw/internal/proc"
	"github.com/modgw/modgw/modgw/cgi"
	"github.com/modgw/modgw/modgw/runner/relay"
	"github.com/modgw/modgw/modgw/runner/workers"
)

// exitTime is how long to wait for a script's exit status after it closed its output. The script
// may continue to run after that.
const exitTime = 100 * time.Millisecond

// script is a running script.
type script struct {
	process *proc.Process
	stdin   *os.File // nil without a body
	stdout  *os.File
	pipe    *relay.Pipe
	output  proc.Tail     // its last lines on standard error
	read    chan struct{} // closes when its standard output is not read any more
}

// launch starts a script.
func (c *call) launch() (*script, error) {
	s := &script{pipe: relay.NewPipe(c.Config.Descriptor.Timeouts.Request), read: make(chan struct{})}
	var theirs []*os.File
	defer func() {
		for _, f := range theirs {
			f.Close()
		}
	}()
	out, theirOut, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	theirs, s.stdout = append(theirs, theirOut), out
	spec := proc.Spec{
		Path:   c.where.file,
		Env:    c.environ,
		Dir:    c.dir(),
		Stdout: theirOut,
		Output: proc.Output{Line: c.printer(s)},
	}
	if c.Body.Length > 0 {
		if spec.Stdin, s.stdin, err = os.Pipe(); err != nil {
			out.Close()
			return nil, err
		}
		theirs = append(theirs, spec.Stdin)
	}
	if s.process, err = c.runner.start(spec); err != nil {
		s.close()
		return nil, err
	}
	c.runner.running.Go(s.pump)
	return s, nil
}

// printer returns a function that logs a line of the script's standard error.
func (c *call) printer(s *script) func(proc.Line) {
	log := c.Config.Log.With("script", c.where.Name, "request", c.Info.ID)
	return func(line proc.Line) {
		s.output.Add(line.Text)
		c.runner.sandbox.LogLine(log, line)
	}
}

// pump passes the script's standard output on. It is complete when the script has closed it and was
// not killed.
func (s *script) pump() {
	defer close(s.read)
	buf := make([]byte, 32<<10)
	for {
		n, err := s.stdout.Read(buf)
		_, _ = s.pipe.Write(buf[:n]) // it never fails
		if err != nil {
			s.pipe.End(s.end())
			return
		}
	}
}

// errKilled means that a script was ended by a signal.
var errKilled = errors.New("it was killed")

// end returns io.EOF if the script has ended normally.
func (s *script) end() error {
	timer := time.NewTimer(exitTime)
	defer timer.Stop()
	select {
	case <-s.process.Done():
		if s.process.Exit().Signal != 0 {
			return errKilled
		}
	case <-timer.C:
	}
	return io.EOF
}

// judge finds the reason for which a response is bad, or is not complete, in how the script has
// ended.
func (s *script) judge(err error) error {
	if err == nil {
		return nil
	}
	failure, failed := errors.AsType[*relay.Failure](err)
	died := errors.Is(err, errKilled)
	if failed && failure.Outcome == relay.BadResponse {
		select {
		case <-s.process.Done():
			died = s.process.Exit().Code != 0
		default:
		}
	}
	if died {
		failure = relay.WorkerLost.Failure(nil, s.process.Exit())
	}
	if failure == nil {
		return err
	}
	failure.Fault.Output = s.output.String()
	return failure
}

// Send implements [relay.Sink].
func (s *script) Send(piece []byte) error {
	_, err := s.stdin.Write(piece)
	return err // a script need not read its input (RFC 3875, 4.2)
}

// End implements [relay.Sink].
func (s *script) End() error { return s.stdin.Close() }

// Fail implements [relay.Sink].
func (s *script) Fail(err error) { s.pipe.Cut(err) }

func (s *script) close() {
	for _, f := range []*os.File{s.stdin, s.stdout} {
		if f != nil {
			f.Close() // again, perhaps
		}
	}
}

// environment returns the environment of a script: the variables of all processes of the app, and
// those of the request. The client or the web server in front cannot choose a name freely. ok is
// false if a process's environment cannot hold a value.
func (c *call) environment() (list []string, ok bool) {
	variables := map[string]string{}
	var order []string
	set := func(name, value string) {
		if _, there := variables[name]; !there {
			order = append(order, name)
		}
		variables[name] = value
	}
	for _, variable := range workers.Environ(*c.Config, c.runner.user) {
		name, value := split(variable)
		set(name, value)
	}
	cgi.Variables(c.R, c.Info, c.where.Script, c.Body.Length, set)
	root := c.Config.Descriptor.Root
	set("DOCUMENT_ROOT", root)
	set("SCRIPT_FILENAME", c.where.file)
	set("REDIRECT_STATUS", "200")
	if c.where.PathInfo != "" {
		set("PATH_TRANSLATED", root+path.Clean(c.where.PathInfo))
	}
	size := 0
	for _, name := range order {
		variable := name + "=" + variables[name]
		size += len(variable)
		list = append(list, variable)
		if hasNUL(variable) {
			return nil, false
		}
	}
	return list, size <= maxEnvironment
}
