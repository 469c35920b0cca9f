package zygote

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/modgw/modgw/internal/proc"
	"github.com/modgw/modgw/modgw/runner/workers"
	"github.com/modgw/modgw/modgw/wire"
)

const (
	// MaxDescriptors is how many descriptors a forked worker can get: the kernel passes no more of
	// them in one message (SCM_MAX_FD, unix(7)).
	MaxDescriptors = 253

	// answerTime is how long a template may take to fork a worker or to tell how one ended.
	answerTime = 5 * time.Second

	// titleRoom is how many blanks end the command line of a template. Workers write theirs over
	// it.
	titleRoom = 160
)

// Process is a template process.
type Process struct {
	process *proc.Process
	conn    *net.UnixConn
	in      *wire.Reader  // reads conn; used by readAnswers only
	ended   chan struct{} // closes when readAnswers has ended
	scope   *proc.Scope
	output  workers.Tail // the last lines that it printed

	mu       sync.Mutex
	last     uint32 // number of the latest request
	waiting  map[uint32]chan answer
	children int           // workers that it has forked and that have not been reaped
	retired  bool          // it forks no more workers
	deserted chan struct{} // closes when it is retired and has no children
}

// Worker says how to fork a worker.
type Worker struct {
	Dir       string   // working directory
	Options   []string // command line options of the worker's program
	Arguments []string // the whole command line, for ps(1)
}

// start starts a template that has nothing loaded.
func start(a App) (*Process, error) {
	if err := a.Verify(); err != nil {
		return nil, err
	}
	conn, theirs, err := wire.Pair()
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	p := &Process{
		conn:    conn,
		in:      wire.NewReader(conn),
		ended:   make(chan struct{}),
		waiting: make(map[uint32]chan answer),
		scope:   workers.NewScope(a.Descriptor, a.Sandbox, a.Log),

		deserted: make(chan struct{}),
	}
	d := a.Descriptor
	padding := strings.Repeat(" ", titleRoom+len(d.Name))
	spec := proc.Spec{
		Path:       a.Environment.Interpreter,
		Args:       []string{"-X", "faulthandler", a.Dir, "--template", string(d.Name), padding},
		Env:        d.ProcessEnv(a.Environment, a.User.HomeDir()),
		Dir:        cmp.Or(d.Home, d.Root),
		Credential: a.User.Credential(),
		Files:      []*os.File{theirs},
		Stdin:      a.Stdin,                    // the workers inherit it
		Limits:     workers.Limits(d, p.scope), // the workers inherit them
		Scope:      p.scope,
		Lifeline:   true,
		Output: proc.Output{Line: func(line proc.Line) {
			p.output.Add(line.Text)
			a.Log.Debug("template output", "line", line.Text, "stream", line.Stream, "pid", line.PID)
		}},
	}
	if err = a.Sandbox.Confine(&spec, []string{spec.Path}); err == nil {
		p.process, err = proc.Start(spec)
	}
	if err != nil {
		conn.Close()
		p.scope.Kill()
		return nil, err
	}
	p.process.Yield() // until the modules are loaded; the workers run with the usual priority
	go p.readAnswers()
	return p, nil
}

// PID returns the id of the process.
func (p *Process) PID() int { return p.process.PID() }

// Done returns a channel that closes when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.process.Done() }

// prepare lets the template load the modules of a report without the excluded ones.
func (p *Process) prepare(
	ctx context.Context, a App, report []byte, excluded []string,
) (answer, error) {
	if limit := a.Descriptor.Timeouts.Startup; limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, 2*limit) // its priority is low
		defer cancel()
	}
	size := len(report)
	for _, name := range excluded {
		size += len(name) + 5
	}
	if size > wire.MaxPayload-(64<<10) {
		return answer{}, errors.New("the app has too many modules")
	}
	found, err := p.ask(ctx, prepareRequest(a, report, excluded), nil)
	if err != nil {
		return found, fmt.Errorf("cannot load modules ahead of the app: %w", err)
	}
	return found, nil
}

// Fork forks a worker, whose descriptors 1, 2, 3, … are theirs. release must be called unless the
// child is reaped; calling it in either case does no harm. The error is an [*UnfitError] when
// another template is needed.
func (p *Process) Fork(
	w Worker, theirs []*os.File,
) (child proc.Child, release func(), err error) {
	if !p.addChild() {
		return proc.Child{}, func() {}, &UnfitError{"it was replaced"}
	}
	release = sync.OnceFunc(p.removeChild)
	ctx, cancel := context.WithTimeout(context.Background(), answerTime)
	defer cancel()
	forked, err := p.ask(ctx, forkRequest(w), theirs)
	switch {
	case err != nil:
	case forked.unfit != "":
		err = &UnfitError{proc.Printable(forked.unfit)}
	case forked.failed != "":
		err = errors.New(proc.Printable(forked.failed))
	case forked.pid <= 1:
		err = fmt.Errorf("the template has forked process %d", forked.pid)
	}
	child = proc.Child{PID: forked.pid, Parent: p.PID(), Reap: func() (syscall.WaitStatus, bool) {
		defer release()
		return p.reap(forked.pid)
	}}
	return child, release, err
}

// addChild counts a worker that is about to be forked. It reports false when the template is
// retired.
func (p *Process) addChild() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.retired {
		return false
	}
	p.children++
	return true
}

func (p *Process) removeChild() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.children--
	if p.retired && p.children == 0 {
		close(p.deserted)
	}
}

// retire lets the template fork no more workers.
func (p *Process) retire() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.retired {
		return
	}
	p.retired = true
	if p.children == 0 {
		close(p.deserted)
	}
}

// reap returns the wait status of a worker that has ended. It reports false when the template does
// not know.
func (p *Process) reap(pid int) (syscall.WaitStatus, bool) {
	ctx, cancel := context.WithTimeout(context.Background(), answerTime)
	defer cancel()
	reaped, err := p.ask(ctx, reapRequest(pid), nil)
	if err != nil || reaped.pid != pid {
		return 0, false
	}
	return syscall.WaitStatus(reaped.status), true
}

// ask sends a request and waits for the answer.
func (p *Process) ask(
	ctx context.Context, request func(b []byte) []byte, files []*os.File,
) (answer, error) {
	answered := make(chan answer, 1)
	if err := p.send(request, files, answered); err != nil {
		p.process.Kill()
		return answer{}, p.endError()
	}
	select {
	case a := <-answered:
		return a, nil
	case <-p.ended:
	case <-ctx.Done():
		return answer{}, fmt.Errorf("the template did not answer: %w", context.Cause(ctx))
	}
	select {
	case a := <-answered:
		return a, nil
	default:
		return answer{}, p.endError()
	}
}

func (p *Process) send(
	request func(b []byte) []byte, files []*os.File, answered chan answer,
) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last++
	p.waiting[p.last] = answered
	frame := wire.BeginFrame(nil, wire.Event, 0, p.last)
	frame = wire.EndFrame(request(frame), 0)
	return wire.WriteWithFiles(p.conn, frame, files, answerTime)
}

// readAnswers reads until the template has ended.
func (p *Process) readAnswers() {
	defer close(p.ended)
	defer p.in.Release()
	for {
		f, err := p.in.Next()
		if err == nil {
			err = p.deliver(f)
		}
		if err != nil {
			p.process.Kill()
			return
		}
	}
}

// deliver gives an answer to the request that waits for it.
func (p *Process) deliver(f wire.Frame) error {
	if f.Type != wire.Event {
		return wire.Errorf("a %s frame of a template", f.Type)
	}
	a, err := decodeAnswer(f.Payload)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	answered := p.waiting[f.Stream]
	if answered == nil {
		return wire.Errorf("an answer to request %d, which does not wait", f.Stream)
	}
	delete(p.waiting, f.Stream)
	answered <- a
	return nil
}

// endError says why a template answers no more. It waits until the process has ended.
func (p *Process) endError() error {
	<-p.process.Done()
	why := "the template " + p.process.Exit().String()
	if output := p.output.String(); output != "" {
		why += ": " + output[strings.LastIndexByte(output, '\n')+1:]
	}
	return errors.New(why)
}

// end ends the template. It returns when nothing is left of it.
func (p *Process) end() {
	p.conn.Close()
	p.process.Kill()
	<-p.process.Done()
	<-p.ended
	p.scope.Kill()
}
