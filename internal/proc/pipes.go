package proc

import (
	"errors"
	"os"
	"time"
)

// pipes are the pipes between this process and one that it starts.
type pipes struct {
	stdout, stderr *os.File // reading ends
	theirs         []*os.File
	lifeline       *os.File // writing end; nil without one
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
	if made.stdout, stdout, err = os.Pipe(); err != nil {
		return nil, err
	}
	made.theirs = append(made.theirs, stdout)
	if made.stderr, stderr, err = os.Pipe(); err != nil {
		return nil, err
	}
	made.theirs = append(made.theirs, stderr)
	p.cmd.Stdout, p.cmd.Stderr = stdout, stderr
	if spec.Lifeline {
		if lifeline, made.lifeline, err = os.Pipe(); err != nil {
			return nil, err
		}
		made.theirs = append(made.theirs, lifeline)
		p.cmd.ExtraFiles = append(p.cmd.ExtraFiles, lifeline)
	}
	return made, nil
}

// expire bounds how long output is still read.
func (p *pipes) expire(at time.Time) {
	// A pipe that cannot have a deadline would be a bug; it is ended by its last writer then.
	_ = errors.Join(p.stdout.SetReadDeadline(at), p.stderr.SetReadDeadline(at))
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
