package python

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/modgw/modgw/internal/proc"
	"github.com/modgw/modgw/modgw/runner/workers"
	"github.com/modgw/modgw/modgw/wire"
)

const (
	// mostDescriptors is how many descriptors the kernel passes on in one message.
	mostDescriptors = 253

	// answerTime is how long a template may take to fork a worker, or to tell how one ended.
	answerTime = 5 * time.Second

	// titleRoom is what a template adds to its command line, so that those of its workers have room in its place.
	titleRoom = 160
)

// template is a template process.
type template struct {
	process *proc.Process
	conn    *net.UnixConn
	in      *wire.Reader  // for hear alone
	heard   chan struct{} // closes when hear has ended
	scope   *proc.Scope
	output  workers.Tail // what it printed last

	mu       sync.Mutex
	last     uint32 // number of the latest request
	waiting  map[uint32]chan templateAnswer
	children int           // workers that it has forked and that have not been reaped
	retired  bool          // it forks no more
	deserted chan struct{} // closes when it is retired and has no children
}

// startTemplate starts a template that has nothing loaded.
func startTemplate(ctx context.Context, r *Runner) (*template, error) {
	if err := r.files.verify(); err != nil {
		return nil, err
	}
	conn, theirs, err := wire.Pair()
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	t := &template{
		conn:    conn,
		in:      wire.NewReader(conn),
		heard:   make(chan struct{}),
		waiting: make(map[uint32]chan templateAnswer),
		scope:   proc.NewScope(),

		deserted: make(chan struct{}),
	}
	d := r.config.Descriptor
	log := r.config.Log
	t.process, err = proc.Start(proc.Spec{
		Path: r.config.Environment.Interpreter,
		Args: []string{
			"-X", "faulthandler", r.files.Dir, "--template", string(d.Name), strings.Repeat(" ", titleRoom+len(d.Name)),
		},
		Env:        d.ProcessEnv(r.config.Environment, r.user.HomeDir()),
		Dir:        d.Root,
		Credential: r.user.Credential(),
		Files:      []*os.File{theirs},
		Stdin:      r.typed(),         // what it forks inherits it
		Limits:     workers.Limits(d), // likewise
		Scope:      t.scope,
		Lifeline:   true,
		Output: proc.Output{Line: func(line proc.Line) {
			t.output.Add(line.Text)
			log.Debug("template output", "line", line.Text, "stream", line.Stream, "pid", line.PID)
		}},
	})
	if err != nil {
		conn.Close()
		t.scope.Kill()
		return nil, err
	}
	t.process.Yield() // until it has loaded the modules: those that it forks are to be as usual
	go t.hear()
	return t, nil
}

// prepare has the template load the modules of a report without the excluded ones.
func (t *template) prepare(ctx context.Context, r *Runner, report []byte, excluded []string) (templateAnswer, error) {
	if limit := r.config.Descriptor.Timeouts.Startup; limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, 2*limit) // its priority is low
		defer cancel()
	}
	size := len(report)
	for _, name := range excluded {
		size += len(name) + 5
	}
	if size > wire.MaxPayload-(64<<10) {
		return templateAnswer{}, errors.New("the app has too many modules")
	}
	answer, err := t.ask(ctx, prepareRequest(r, report, excluded), nil)
	if err != nil {
		return answer, fmt.Errorf("cannot load modules ahead of the app: %w", err)
	}
	return answer, nil
}

// fork makes a worker as the request says, with the descriptors as its 1, 2, 3, …. release must be called when nobody will
// reap it; it may be called in any case.
func (t *template) fork(request func(b []byte) []byte, theirs []*os.File) (child proc.Child, release func(), err error) {
	if !t.begin() {
		return proc.Child{}, func() {}, &unfit{"it was replaced"}
	}
	release = sync.OnceFunc(t.endOfChild)
	ctx, cancel := context.WithTimeout(context.Background(), answerTime)
	defer cancel()
	answer, err := t.ask(ctx, request, theirs)
	switch {
	case err != nil:
	case answer.unfit != "":
		err = &unfit{proc.Printable(answer.unfit)}
	case answer.failed != "":
		err = errors.New(proc.Printable(answer.failed))
	case answer.pid <= 1:
		err = fmt.Errorf("the template has forked process %d", answer.pid)
	}
	child = proc.Child{PID: answer.pid, Parent: t.process.PID(), Reap: func() (syscall.WaitStatus, bool) {
		defer release()
		return t.reap(answer.pid)
	}}
	return child, release, err
}

// begin counts a worker that is about to be forked; it reports false when the template forks no more.
func (t *template) begin() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.retired {
		return false
	}
	t.children++
	return true
}

func (t *template) endOfChild() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.children--
	if t.retired && t.children == 0 {
		close(t.deserted)
	}
}

// retire makes the template fork no more.
func (t *template) retire() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.retired {
		return
	}
	t.retired = true
	if t.children == 0 {
		close(t.deserted)
	}
}

// reap makes the template let go of a worker that has ended; it reports false when it does not tell how that was.
func (t *template) reap(pid int) (syscall.WaitStatus, bool) {
	ctx, cancel := context.WithTimeout(context.Background(), answerTime)
	defer cancel()
	answer, err := t.ask(ctx, reapRequest(pid), nil)
	if err != nil || answer.pid != pid {
		return 0, false
	}
	return syscall.WaitStatus(answer.status), true
}

// ask sends a request and waits for the answer.
func (t *template) ask(ctx context.Context, request func(b []byte) []byte, files []*os.File) (templateAnswer, error) {
	answered := make(chan templateAnswer, 1)
	if err := t.send(request, files, answered); err != nil {
		t.process.Kill()
		return templateAnswer{}, t.why()
	}
	select {
	case answer := <-answered:
		return answer, nil
	case <-t.heard:
	case <-ctx.Done():
		return templateAnswer{}, fmt.Errorf("the template did not answer: %w", context.Cause(ctx))
	}
	select {
	case answer := <-answered:
		return answer, nil
	default:
		return templateAnswer{}, t.why()
	}
}

func (t *template) send(request func(b []byte) []byte, files []*os.File, answered chan templateAnswer) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last++
	t.waiting[t.last] = answered
	frame := wire.BeginFrame(nil, wire.Event, 0, t.last)
	frame = wire.EndFrame(request(frame), 0)
	var rights []byte
	if len(files) > 0 {
		fds := make([]int, len(files))
		for i, f := range files {
			fds[i] = int(f.Fd())
		}
		rights = unix.UnixRights(fds...)
	}
	if err := t.conn.SetWriteDeadline(time.Now().Add(answerTime)); err != nil {
		return err
	}
	n, _, err := t.conn.WriteMsgUnix(frame, rights, nil)
	if err == nil && n < len(frame) {
		_, err = t.conn.Write(frame[n:])
	}
	return err
}

// hear takes the answers, until the template has ended.
func (t *template) hear() {
	defer close(t.heard)
	defer t.in.Release()
	for {
		f, err := t.in.Next()
		if err == nil {
			err = t.take(f)
		}
		if err != nil {
			t.process.Kill()
			return
		}
	}
}

func (t *template) take(f wire.Frame) error {
	if f.Type != wire.Event {
		return brokeRule("a %s frame of a template", f.Type)
	}
	answer, err := decodeAnswer(f.Payload)
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	answered := t.waiting[f.Stream]
	if answered == nil {
		return brokeRule("an answer that nobody asked for")
	}
	delete(t.waiting, f.Stream)
	answered <- answer
	return nil
}

// why explains why a template answers no more.
func (t *template) why() error {
	<-t.process.Done()
	why := "the template " + t.process.Exit().String()
	if output := t.output.String(); output != "" {
		why += ": " + output[strings.LastIndexByte(output, '\n')+1:]
	}
	return errors.New(why)
}

// end ends the template. It returns when nothing is left of it.
func (t *template) end() {
	t.conn.Close()
	t.process.Kill()
	<-t.process.Done()
	<-t.heard
	t.scope.Kill()
}
