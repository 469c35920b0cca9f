package proc

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"time"
)

// pipes holds the pipes between this process and a process that it starts.
type pipes struct {
	stdout, stderr *os.File // reading ends; stdout is nil if the process does not own it
	theirs         []*os.File
	lifeline       *os.File // writing end; nil if there is no lifeline
}

// connect makes the pipes and passes their other ends to the command.
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
	if err = give(spec.Credential, stdout, stderr, spec.Stdin); err != nil {
		return nil, err
	}
	p.cmd.Stdout, p.cmd.Stderr = stdout, stderr
	if spec.Lifeline || spec.Leash {
		if lifeline, made.lifeline, err = os.Pipe(); err != nil {
			return nil, err
		}
		made.theirs = append(made.theirs, lifeline)
		p.cmd.ExtraFiles = append(p.cmd.ExtraFiles, lifeline)
	}
	return made, nil
}

// Pipe makes a pipe that belongs to the user of the process that will get an end of it; nil: this
// process's own user.
func Pipe(c *syscall.Credential) (r, w *os.File, err error) {
	if r, w, err = os.Pipe(); err != nil {
		return nil, nil, err
	}
	if err = give(c, w); err != nil {
		closeAll(r, w)
		return nil, nil, err
	}
	return r, w, nil
}

// give changes the owner of pipes to the user of the process that gets them, who could not open
// /dev/stdout and the like otherwise: an open by that name opens the pipe's inode, which belongs to
// the user who made the pipe. Other files stay unchanged.
func give(c *syscall.Credential, streams ...*os.File) error {
	for _, f := range streams {
		if c == nil || f == nil {
			continue
		}
		info, err := f.Stat()
		if err == nil && info.Mode()&fs.ModeNamedPipe != 0 && int(info.Sys().(*syscall.Stat_t).Uid) != int(c.Uid) {
			err = f.Chown(int(c.Uid), int(c.Gid))
		}
		if err != nil {
			return fmt.Errorf("cannot give a pipe to user %d: %w", c.Uid, err)
		}
	}
	return nil
}

// expire limits the time for which output is still read.
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
