package zygote

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
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
	// MaxDescriptors is the number of descriptors that a forked worker can get: the kernel passes
	// no more in one message (SCM_MAX_FD, unix(7)).
	MaxDescriptors = 253

	// answerTime is how long a template may take to fork a worker or to report how one ended.
	answerTime = 5 * time.Second

	// titleRoom is the number of blanks at the end of a template's command line. Workers write
	// theirs over it.
	titleRoom = 160
)

// template is a template process. Zygotes of several apps may fork from it.
type template struct {
	process *proc.Process
	conn    *net.UnixConn
	in      *wire.Reader  // reads conn; used by readAnswers only
	ended   chan struct{} // closes when readAnswers has ended
	scope   *proc.Scope
	log     *slog.Logger // log of the app that it was started for
	output  proc.Tail    // the last lines that it printed

	users int // zygotes that fork from it; guarded by Set.mu

	mu       sync.Mutex
	last     uint32 // number of the latest request
	waiting  map[uint32]chan answer
	outdated bool // a file that it has loaded has changed
}

// start starts a template that has nothing loaded.
func start(a App) (*template, error) {
	if err := a.Verify(); err != nil {
		return nil, err
	}
	conn, theirs, err := wire.Pair()
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	p := &template{
		users:   1,
		conn:    conn,
		in:      wire.NewReader(conn),
		ended:   make(chan struct{}),
		waiting: make(map[uint32]chan answer),
		scope:   workers.NewScope(a.Descriptor, a.Sandbox, a.Log),
		log:     a.Log,
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
func (p *template) PID() int { return p.process.PID() }

// Done returns a channel that closes when the process has ended.
func (p *template) Done() <-chan struct{} { return p.process.Done() }

// prepare lets the template load the modules of a report without the excluded ones.
func (p *template) prepare(
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

// reap returns the wait status of a worker that has ended. It reports false when the template does
// not know.
func (p *template) reap(pid int) (syscall.WaitStatus, bool) {
	ctx, cancel := context.WithTimeout(context.Background(), answerTime)
	defer cancel()
	reaped, err := p.ask(ctx, reapRequest(pid), nil)
	if err != nil || reaped.pid != pid {
		return 0, false
	}
	return syscall.WaitStatus(reaped.status), true
}

// ask sends a request and waits for the answer.
func (p *template) ask(
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

func (p *template) send(
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
func (p *template) readAnswers() {
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
func (p *template) deliver(f wire.Frame) error {
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

// noteOutdated lets no further zygote fork from the template.
func (p *template) noteOutdated() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.outdated = true
}

// isUsable reports whether the template runs, and is up to date as far as known.
func (p *template) isUsable() bool {
	select {
	case <-p.ended:
		return false
	default:
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.outdated
}

// endError returns the reason why a template no longer answers. It waits until the process has
// ended.
func (p *template) endError() error {
	<-p.process.Done()
	why := "the template " + p.process.Exit().String()
	if output := p.output.String(); output != "" {
		why += ": " + output[strings.LastIndexByte(output, '\n')+1:]
	}
	return errors.New(why)
}

// end ends the template. It returns when nothing is left of it.
func (p *template) end() {
	p.conn.Close()
	p.process.Kill()
	<-p.process.Done()
	<-p.ended
	p.scope.End(p.log)
}
