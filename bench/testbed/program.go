package testbed

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// stopTime is the time that a program has to end before it is killed.
const stopTime = 60 * time.Second

// Program is a program that runs in a folder.
type Program struct {
	PID     int           // its process ID, and the ID of its process group
	LogFile string        // path of the file with its output
	ended   chan struct{} // closed when it has ended
}

// Start starts a command in a folder, in a new process group. Its output goes to a file in the
// folder that is named after the program. env is added to the environment of this process.
func Start(dir string, env []string, command ...string) (*Program, error) {
	p := &Program{LogFile: filepath.Join(dir, filepath.Base(command[0])+".log"), ended: make(chan struct{})}
	log, err := os.Create(p.LogFile)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, log, log
	cmd.Env = append(os.Environ(), env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p.PID = cmd.Process.Pid
	go func() {
		defer close(p.ended)
		_ = cmd.Wait() // how it ended is in the log
	}()
	return p, nil
}

// Stop asks the program to end, waits until it has ended, and kills the rest of its process group.
// It has no effect on a nil Program.
func (p *Program) Stop() {
	if p == nil {
		return
	}
	_ = syscall.Kill(p.PID, syscall.SIGTERM) // it may have ended
	select {
	case <-p.ended:
	case <-time.After(stopTime):
	}
	_ = syscall.Kill(-p.PID, syscall.SIGKILL) // mostly no process is left
	<-p.ended
}

// logTail is the number of bytes of a log that are shown.
const logTail = 4000

// Log returns the end of the program's output, or "" for a nil Program, which was not started.
func (p *Program) Log() string {
	if p == nil {
		return ""
	}
	text, err := os.ReadFile(p.LogFile)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-logTail):])
}

// pollInterval is the pause between two tries. It is short because waits may be measurements.
const pollInterval = 5 * time.Millisecond

// Await calls try until it succeeds. It returns try's last error if that takes longer than
// patience, or if the program ends first.
func (p *Program) Await(ctx context.Context, patience time.Duration, try func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		err := try(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-p.ended:
			return fmt.Errorf("the program has ended: %w", err)
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		case <-time.After(pollInterval):
		}
	}
}

// FreeAddress returns an address of this machine at which no process listens.
func FreeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}
