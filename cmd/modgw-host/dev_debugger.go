package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
	"golang.org/x/term"

	"github.com/modgw/modgw/internal/logqueue"
	"github.com/modgw/modgw/modgw"
)

// debugger passes the developer's input to the app, so that breakpoint() and input() work. Workers
// are process groups of their own, which the kernel does not let read from the terminal.
type debugger struct {
	typed   *os.File         // the terminal, or a pipe in tests
	in, out *os.File         // the pipe that workers have as standard input
	shown   *logqueue.Writer // queues output of apps, because a terminal may be stopped
	copying sync.WaitGroup
}

// interactive reports whether standard input is a terminal.
func (c console) interactive() bool {
	out, ok := c.stdout.(*os.File)
	if !ok || !term.IsTerminal(int(c.stdin.Fd())) || !term.IsTerminal(int(out.Fd())) {
		return false
	}
	// A process in the background that reads from its terminal is stopped.
	foreground, err := unix.IoctlGetInt(int(c.stdin.Fd()), unix.TIOCGPGRP)
	return err == nil && foreground == unix.Getpgrp()
}

// newDebugger begins to pass on input. Close it.
func newDebugger(c console) (*debugger, error) {
	typed, err := reopen(c.stdin)
	if err != nil {
		return nil, fmt.Errorf("cannot read from the terminal: %w", err)
	}
	d := &debugger{typed: typed}
	if d.in, d.out, err = os.Pipe(); err != nil {
		typed.Close()
		return nil, fmt.Errorf("cannot make a pipe for what is typed: %w", err)
	}
	d.shown = logqueue.New(c.stdout, 0, nil)
	d.copying.Go(func() {
		// A terminal can be read on after Ctrl-D.
		for isTerminal := term.IsTerminal(int(c.stdin.Fd())); ; {
			if _, err := io.Copy(d.out, d.typed); err != nil || !isTerminal {
				return
			}
		}
	})
	return d, nil
}

// close ends it.
func (d *debugger) close() {
	now := time.Now()
	// A file that cannot have a deadline does not keep anybody waiting: it ends.
	_ = errors.Join(d.typed.SetReadDeadline(now), d.out.SetWriteDeadline(now))
	d.copying.Wait()
	d.typed.Close()
	d.in.Close()
	d.out.Close()
	d.shown.Close(logFlushTime)
}

// reopen opens the terminal once more, so that waiting for it can be broken off without
// changing the flags of descriptors that other processes share.
func reopen(stdin *os.File) (*os.File, error) {
	name := fmt.Sprintf("/proc/self/fd/%d", stdin.Fd())
	fd, err := unix.Open(name, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), name), nil
}

// withDebugger runs a host whose apps can talk to the developer.
func withDebugger(ctx context.Context, c console, run func(context.Context, *modgw.Terminal) error) error {
	d, err := newDebugger(c)
	if err != nil {
		return err
	}
	defer d.close()
	return run(ctx, &modgw.Terminal{In: d.in, Out: func(p []byte) { _, _ = d.shown.Write(p) }})
}
