package upgrade

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/modgw/modgw/modgw"
)

// linkVariable is the environment variable with the descriptor of the link to the host that a
// program replaces.
const linkVariable = "MODGW_UPGRADE"

const (
	// helloTime limits the wait for a program to introduce itself.
	helloTime = 20 * time.Second

	// commitTime limits the wait for a host that is ready to accept connections.
	commitTime = 20 * time.Second

	// endTime limits the wait for the end of a host that is not needed any more.
	endTime = 10 * time.Second
)

// Successor is a host that was started to replace this one.
type Successor struct {
	link    *link
	cmd     *exec.Cmd
	version string
	format  int
	exited  chan struct{}
}

// Launch describes how to start a program as a host.
type Launch struct {
	Args []string // arguments of the program, its name first
	Env  []string // its environment
	// further files that it inherits, from descriptor FirstFile on; they stay open
	Files []*os.File
	Group bool // start it in its own process group
}

// FirstFile is the descriptor of the first of the files of [Launch].
const FirstFile = 4

// Start starts a program as a child of this process, with the standard streams and the working
// directory of this one, and waits until it has introduced itself. An error is a *[modgw.Fault]; in
// this case no process remains.
func Start(ctx context.Context, p *Program, l Launch) (*Successor, error) {
	link, theirs, err := newLink()
	if err != nil {
		return nil, startFault(p.path, err)
	}
	defer theirs.Close()
	s := &Successor{link: link, exited: make(chan struct{})}
	s.cmd = &exec.Cmd{
		Path: p.executable(), Args: l.Args, Env: environment(l.Env, FirstFile-1),
		ExtraFiles: append([]*os.File{theirs}, l.Files...),
		Stdin:      os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		SysProcAttr: &syscall.SysProcAttr{Setpgid: l.Group},
	}
	if err := s.cmd.Start(); err != nil {
		link.close()
		return nil, startFault(p.path, err)
	}
	go s.awaitExit()
	theirs.Close()
	if err := s.meet(ctx); err != nil {
		s.End()
		return nil, startFault(p.path, s.explain(err))
	}
	return s, nil
}

// awaitExit returns when the program has ended, and leaves it to be reaped: a process that has
// become its follower needs its exit code.
func (s *Successor) awaitExit() {
	defer close(s.exited)
	for unix.Waitid(unix.P_PID, s.cmd.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil) == unix.EINTR {
	}
}

// environment returns env with the descriptor of the link, for the new host. It omits the variables
// of passed sockets, because these sockets are sent over the link.
func environment(env []string, link int) []string {
	var kept []string
	for _, v := range env {
		if !strings.HasPrefix(v, "LISTEN_") && !strings.HasPrefix(v, linkVariable+"=") {
			kept = append(kept, v)
		}
	}
	return append(kept, fmt.Sprintf("%s=%d", linkVariable, link))
}

func startFault(path string, err error) *modgw.Fault {
	return &modgw.Fault{
		Code:    "MGW-HST-029",
		Summary: fmt.Sprintf("cannot start %q as the new host", path),
		Err:     err,
		Hint:    "the log of the host has what it printed; this host goes on as before",
	}
}

// meet waits for hello, and chooses the format of messages.
func (s *Successor) meet(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, helloTime)
	defer cancel()
	m, err := s.await(ctx, helloKind)
	if err != nil {
		return err
	}
	if m.Hello == nil {
		return errors.New("it did not introduce itself")
	}
	s.version = m.Hello.Version
	if s.format = min(newestFormat, m.Hello.Newest); s.format < oldestFormat || s.format < m.Hello.Oldest {
		const text = "version %s does not understand what this version would pass: " +
			"it knows the formats %d to %d, this one %d to %d"
		return fmt.Errorf(text,
			m.Hello.Version, m.Hello.Oldest, m.Hello.Newest, oldestFormat, newestFormat)
	}
	return nil
}

// await reads a message of a kind, within ctx.
func (s *Successor) await(ctx context.Context, k kind) (message, error) {
	defer s.link.within(ctx)()
	m, files, err := s.link.receive()
	closeFiles(files)
	return m, s.judge(ctx, m, k, err)
}

// judge returns an error unless a message of a kind was received.
func (s *Successor) judge(ctx context.Context, m message, k kind, err error) error {
	switch {
	case err != nil && ctx.Err() != nil:
		return fmt.Errorf("it took too long: %w", context.Cause(ctx))
	case err != nil:
		return err
	case m.Kind == refusedKind:
		return errors.New(m.Reason)
	case m.Kind != k:
		return fmt.Errorf("it said %q where it should have said %q", m.Kind, k)
	}
	return nil
}

// explain returns how the program ended if that is the reason for err. End must have been called.
func (s *Successor) explain(err error) error {
	if !errors.Is(err, io.EOF) {
		return err
	}
	return fmt.Errorf("it ended before it was ready: %s", s.cmd.ProcessState)
}

// PID returns its process ID.
func (s *Successor) PID() int { return s.cmd.Process.Pid }

// Version returns the version of its program.
func (s *Successor) Version() string { return s.version }

// End ends a successor that does not take over. It returns when the successor has ended.
func (s *Successor) End() {
	s.link.close() // its end sees that the link closes
	limit := time.NewTimer(endTime)
	defer limit.Stop()
	select {
	case <-s.exited:
	case <-limit.C:
		_ = s.cmd.Process.Kill() // it can only have ended
	}
	_ = s.cmd.Wait() // ProcessState contains the result; a second call has no effect
}

// OpenSocket is a socket with its descriptor.
type OpenSocket struct {
	Socket
	File *os.File // to be closed by its user
}

// Listener returns a listener on a socket that a service manager has passed.
func (s OpenSocket) Listener() (net.Listener, error) {
	defer s.File.Close()
	return net.FileListener(s.File)
}

// Share shares a worker with the successor. The worker gets the files, and Share closes them.
type Share func(r ShareRequest, files []*os.File) (modgw.SharedWorker, error)

// Prepare passes the successor its state, its sockets, and the workers that it asks for, and waits
// until it can serve. An error is a *[modgw.Fault]; the caller must then call End.
func (s *Successor) Prepare(ctx context.Context, state State, sockets []OpenSocket, share Share) error {
	state.Format = s.format
	err := s.offer(ctx, state, sockets)
	if err == nil {
		err = s.awaitReady(ctx, share)
	}
	return s.fault(err)
}

// awaitReady waits for "ready", and answers the successor's earlier requests for workers.
func (s *Successor) awaitReady(ctx context.Context, share Share) error {
	defer s.link.within(ctx)()
	for {
		m, files, err := s.link.receive()
		if err != nil || m.Kind != shareKind || m.Share == nil {
			closeFiles(files)
			return s.judge(ctx, m, readyKind, err)
		}
		worker, err := share(*m.Share, files)
		answer := message{Kind: sharedKind, Worker: &worker}
		if err != nil {
			answer = message{Kind: sharedKind, Reason: err.Error()}
		}
		err = s.link.send(answer, worker.Files...)
		worker.Close()
		if err != nil {
			return err
		}
	}
}

// fault returns the fault of an upgrade that failed after the program was started, or nil if err is
// nil.
func (s *Successor) fault(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, io.EOF) {
		s.End()
		err = s.explain(err)
	}
	return &modgw.Fault{
		Code:    "MGW-HST-030",
		Summary: fmt.Sprintf("cannot hand over to version %s", s.version),
		Err:     err,
		Hint:    "the log has more; this host goes on as before",
	}
}

func (s *Successor) offer(ctx context.Context, state State, sockets []OpenSocket) error {
	defer s.link.within(ctx)()
	const most = 256 // apps in a message
	apps := state.Apps
	for first := true; first || len(apps) > 0; first = false {
		n := min(len(apps), most)
		state.Apps, apps = apps[:n], apps[n:]
		if err := s.link.send(message{Kind: stateKind, State: &state}); err != nil {
			return err
		}
	}
	for _, socket := range sockets {
		if err := s.link.send(message{Kind: socketKind, Socket: &socket.Socket}, socket.File); err != nil {
			return err
		}
	}
	return s.link.send(message{Kind: startKind})
}

// Commit allows the successor to accept connections, and returns when it does, with the process IDs
// of the workers that belong to the successor by then. stopped are the apps that are stopped now,
// and changed those whose generation is another one than the generation whose workers were shared.
// An error is a *[modgw.Fault]; the caller must then call End.
func (s *Successor) Commit(ctx context.Context, stopped, changed []modgw.AppName) (owned []int, err error) {
	ctx, cancel := context.WithTimeout(ctx, commitTime)
	defer cancel()
	var m message
	err = s.link.send(message{Kind: commitKind, Stopped: stopped, Changed: changed})
	if err == nil {
		m, err = s.await(ctx, servingKind)
	}
	return m.Owned, s.fault(err)
}

// Given informs the successor that this host no longer reads the output of the successor's workers.
func (s *Successor) Given() {
	_ = s.link.send(message{Kind: givenKind}) // it may have ended
}

// PassConnection passes a connection. It does not close the file.
func (s *Successor) PassConnection(c Connection, file *os.File) error {
	return s.link.send(message{Kind: connectionKind, Connection: &c}, file)
}

// Follow calls replaced for each app of which the successor has a new generation. It returns when
// this host must end: the successor requests it, or has ended.
func (s *Successor) Follow(replaced func(modgw.AppName)) {
	for {
		m, files, err := s.link.receive()
		closeFiles(files)
		switch {
		case err != nil || m.Kind == endKind:
			return
		case m.Kind == replacedKind:
			replaced(m.App)
		}
	}
}

// Leave closes the link, after which no connections can be passed.
func (s *Successor) Leave() { s.link.close() }
