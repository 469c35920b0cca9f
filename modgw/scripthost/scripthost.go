package scripthost

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"syscall"
	"time"
)

const (
	// startTime is how long a host may take until it listens. Requests wait there for its app.
	startTime = 20 * time.Second

	lookInterval = 10 * time.Millisecond
)

// Host is the host that serves one file, running or not.
type Host struct {
	Folder Folder // place of its socket
	// program and arguments that run it; it must listen at Folder.Socket and end when it is idle
	Command []string
	Env     []string // its environment
}

// Connect connects to the host, which is started if it does not run.
func (h Host) Connect(ctx context.Context) (net.Conn, error) {
	if conn, err := h.dial(ctx); err == nil {
		return conn, nil
	}
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	release, err := h.Folder.lock("start.lock")
	if err != nil {
		return nil, err
	}
	defer release()
	if conn, err := h.dial(ctx); err == nil {
		return conn, nil // someone else was faster
	}
	return h.start(ctx)
}

func (h Host) dial(ctx context.Context) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, "unix", h.Folder.Socket())
}

// start starts the host in a session of its own, so that it outlives this process, and connects to
// it.
func (h Host) start(ctx context.Context) (net.Conn, error) {
	log, before, err := h.Folder.openLog()
	if err != nil {
		return nil, err
	}
	defer log.Close()
	// The host has the writing end as long as it lives.
	alive, theirs, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer alive.Close()
	cmd := exec.Command(h.Command[0], h.Command[1:]...)
	cmd.Env, cmd.Dir = h.Env, "/"
	cmd.Stdout, cmd.Stderr = log, log
	cmd.ExtraFiles = []*os.File{theirs}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	err = cmd.Start()
	theirs.Close()
	if err != nil {
		return nil, err
	}
	ended := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, alive) // until it ends, or alive is closed
		close(ended)
	}()
	defer func() {
		alive.Close()
		<-ended
		// the host may outlive this process; if it does not, nothing of it is left
		go func() { _ = cmd.Wait() }()
	}()
	return h.await(ctx, ended, before)
}

// await connects as soon as the host listens, whose log begins at an offset.
func (h Host) await(ctx context.Context, ended <-chan struct{}, offset int64) (net.Conn, error) {
	look := time.NewTicker(lookInterval)
	defer look.Stop()
	for {
		select {
		case <-look.C:
			if conn, err := h.dial(ctx); err == nil {
				return conn, nil
			}
		case <-ended:
			return nil, fmt.Errorf("cannot start the host: it ended:\n%s", h.Folder.lastLines(offset))
		case <-ctx.Done():
			return nil, errors.New("cannot start the host: it does not listen; its log is " + h.Folder.Log())
		}
	}
}
