package proc

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/modgw/modgw/internal/cgroup"
)

// Process is a started process in its own process group.
type Process struct {
	cmd      *exec.Cmd
	pid      int
	pidfd    int      // -1 if the kernel has no pidfds
	scope    *Scope   // nil: none
	oomKills uint64   // number before the start
	adopted  *adopted // nil for a child
	pipes    *pipes
	output   Output // receiver of the output of an inherited process
	mark     string // scope that an inherited process was in; "": none

	mu     sync.Mutex
	reaped bool // the pid may belong to another process
	killed bool // by Kill
	yields bool // its priority is lowered
	reads  bool // its output is read or was

	ownership ownership
	watched   *os.File // its descriptor, while it is used to wait for the end

	sent  syscall.Signal // the latest signal sent from here to the leader; 0: none
	usual int            // its previous nice value

	pumps sync.WaitGroup
	ended chan struct{} // closes when exit is set
	done  chan struct{}
	exit  Exit
}

// Start starts a process. The caller waits for Done.
func Start(spec Spec) (*Process, error) {
	p := newProcess(spec.Scope)
	p.cmd = &exec.Cmd{
		Path:        spec.Path,
		Args:        append([]string{spec.Path}, spec.Args...),
		Env:         append([]string{}, spec.Env...), // nil would mean this process's own
		Dir:         spec.Dir,
		ExtraFiles:  spec.Files[:len(spec.Files):len(spec.Files)],
		SysProcAttr: &syscall.SysProcAttr{Setpgid: true, Credential: spec.Credential, PidFD: &p.pidfd},
	}
	if spec.Stdin != nil {
		p.cmd.Stdin = spec.Stdin
	}
	pipes, err := p.connect(spec)
	if err != nil {
		return nil, fmt.Errorf("cannot start %q: %w", spec.Path, err)
	}
	launch := Launch{Limits: spec.Limits, Rules: spec.Sandbox, Scope: spec.Scope, Leash: spec.Leash}
	started := spec.Scope.starting()
	if err = launch.Start(p.cmd); err != nil {
		started(0)
		pipes.closeTheirs()
		pipes.closeOurs()
		return nil, fmt.Errorf("cannot start %q: %w", spec.Path, startError(err))
	}
	p.pid = p.cmd.Process.Pid
	started(p.pid)
	pipes.closeTheirs()
	p.watch(spec, pipes)
	return p, nil
}

func newProcess(scope *Scope) *Process {
	p := &Process{pidfd: -1, ended: make(chan struct{}), done: make(chan struct{}), scope: scope}
	p.oomKills = p.countOOMKills()
	return p
}

// countOOMKills returns the number of processes that the kernel has killed for lack of memory: in
// the app if its memory is limited, and in the whole system otherwise.
func (p *Process) countOOMKills() uint64 {
	if p.scope.Version(cgroup.Memory) > 0 {
		return p.scope.usage().OOMKills
	}
	return oomKills()
}

// PID returns the ID of the process and of its group.
func (p *Process) PID() int { return p.pid }

// Done closes when the process has ended, its group is empty, and its output was read.
func (p *Process) Done() <-chan struct{} { return p.done }

// Exit waits for the end of the process and returns its status. Its output may not be completely
// read at that time.
func (p *Process) Exit() Exit {
	<-p.ended
	return p.exit
}

// Ending reports whether the process has ended or is about to: its descriptors are closed, or will
// be at once. A process whose connection broke and that is not ending has closed the connection
// itself.
func (p *Process) Ending() bool {
	select {
	case <-p.ended:
		return true
	default:
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.held() || isExiting(p.pid)
}

// Signal sends a signal to the process and its children. It has no effect if the process has ended.
func (p *Process) Signal(sig syscall.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.signal(sig)
}

// SignalLeader sends a signal to only the process.
func (p *Process) SignalLeader(sig syscall.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sent = sig
	switch {
	case p.reaped || p.ownership != owned:
	case p.adopted != nil:
		_ = unix.PidfdSendSignal(p.adopted.pidfd, sig, nil, 0)
	default:
		// The only possible error is that the process has ended, which Done reports.
		_ = syscall.Kill(p.pid, sig)
	}
}

// Kill kills the process and its children. Exit then reports it as expected. A process that belongs
// to another host is released.
func (p *Process) Kill() {
	if p.Release() {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.killed = p.killed || !p.reaped
	p.signal(syscall.SIGKILL)
}

// Terminate sends SIGTERM to the process and its children, and kills them when grace is over. It
// returns when the process has ended.
func (p *Process) Terminate(grace time.Duration) {
	p.Signal(syscall.SIGTERM)
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-p.done:
	case <-timer.C:
		p.Kill()
		<-p.done
	}
}

func (p *Process) signal(sig syscall.Signal) {
	p.sent = sig
	switch {
	case p.reaped || p.ownership != owned:
	case p.adopted != nil:
		p.adopted.signal(p.pid, sig)
	default:
		_ = syscall.Kill(-p.pid, sig)
	}
}

// watch starts to read the output of the process and to wait for its end.
func (p *Process) watch(spec Spec, pipes *pipes) {
	p.pipes = pipes
	p.readOutput(spec.Output)
	go p.supervise()
}

// supervise waits for the end of the process and cleans up after it.
func (p *Process) supervise() {
	p.awaitExit()
	if p.adopted != nil {
		p.reapAdopted()
	} else {
		p.reap()
	}
	p.mu.Lock()
	ownership := p.ownership
	p.mu.Unlock()
	if ownership == released {
		return // Release has done the rest
	}
	if ownership == owned {
		p.readOutput(p.output) // of a process that has ended before ReadOutput
	}
	p.pipes.expire(time.Now().Add(pipeDelay))
	p.pumps.Wait()
	p.pipes.closeOurs()
	close(p.done)
}

// reap kills the rest of the process's group, and then releases its ID: while it is not reaped, no
// other group can have the ID.
func (p *Process) reap() {
	p.mu.Lock()
	defer p.mu.Unlock()
	sent := p.sent
	p.signal(syscall.SIGKILL)
	// The error only repeats the information in ProcessState.
	_ = p.cmd.Wait()
	p.reaped = true
	exit := Exit{Cause: Unknown}
	// otherwise a host that only follows another has reaped it
	if state := p.cmd.ProcessState; state != nil {
		exit = exitOf(state.Sys().(syscall.WaitStatus))
	}
	p.settle(exit, sent)
}

// settle records how the process ended. sent is the last signal sent to it from here. The caller
// must hold p.mu.
func (p *Process) settle(exit Exit, sent syscall.Signal) {
	if p.ownership == released {
		return
	}
	kill := exit.Signal == syscall.SIGKILL
	switch {
	case exit.Cause == Unknown:
	case kill && p.killed:
		exit.Cause = Killed
	case kill && p.countOOMKills() > p.oomKills:
		exit.Cause, exit.Peak = OutOfMemory, p.scope.usage().Peak
	case sent != 0 && exit.Signal == sent:
		exit.Cause = Asked
	}
	p.exit = exit
	close(p.ended)
}

// startError converts an error of exec into one that names the cause.
func startError(err error) error {
	if errors.Is(err, syscall.EAGAIN) {
		return fmt.Errorf("the user has too many processes: %w", err)
	}
	return err
}
