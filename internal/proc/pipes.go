package proc

import (
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// pipes are the pipes between this process and one that it starts.
type pipes struct {
	stdout, stderr *os.File // reading ends; stdout is nil when it is somebody else's
	theirs         []*os.File
	lifeline       *os.File // writing end; nil without one
	leash          *os.File // its reading end, when it is to be armed
}

// connect makes the pipes and gives their other ends to the command.
func (p *Process) connect(spec Spec) (_ *pipes, err error) {
	made := &pipes{}
	defer func() {
		if err != nil {
			made.closeTheirs()
			made.closeOurs()
		}
	}()
	var stdout, stderr, lifeline *os.File
	if stdout = spec.Stdout; stdout == nil {
		if made.stdout, stdout, err = os.Pipe(); err != nil {
			return nil, err
		}
		made.theirs = append(made.theirs, stdout)
	}
	if made.stderr, stderr, err = os.Pipe(); err != nil {
		return nil, err
	}
	made.theirs = append(made.theirs, stderr)
	p.cmd.Stdout, p.cmd.Stderr = stdout, stderr
	if spec.Lifeline || spec.Leash {
		if lifeline, made.lifeline, err = os.Pipe(); err != nil {
			return nil, err
		}
		made.theirs = append(made.theirs, lifeline)
		p.cmd.ExtraFiles = append(p.cmd.ExtraFiles, lifeline)
		if spec.Leash {
			made.leash = lifeline
		}
	}
	return made, nil
}

// arm makes the kernel kill the process group when the lifeline's other end closes. Whose group that is and what is sent
// belongs to the open pipe and not to the process, so that it can be set from here.
func (p *pipes) arm(group int) error {
	if p.leash == nil {
		return nil
	}
	fd := p.leash.Fd()
	for _, set := range []struct{ command, value int }{
		{unix.F_SETOWN, -group}, {unix.F_SETSIG, int(unix.SIGKILL)}, {unix.F_SETFL, unix.O_ASYNC},
	} {
		if _, err := unix.FcntlInt(fd, set.command, set.value); err != nil {
			return fmt.Errorf("cannot tie it to this process: %w", err)
		}
	}
	return nil
}

// expire bounds how long output is still read.
func (p *pipes) expire(at time.Time) {
	// A pipe that cannot have a deadline would be a bug; it is ended by its last writer then.
	_ = p.stderr.SetReadDeadline(at)
	if p.stdout != nil {
		_ = p.stdout.SetReadDeadline(at)
	}
}

func (p *pipes) closeTheirs() { closeAll(p.theirs...) }

func (p *pipes) closeOurs() { closeAll(p.stdout, p.stderr, p.lifeline) }

func closeAll(files ...*os.File) {
	for _, f := range files {
		if f != nil {
			f.Close()
		}
	}
}
