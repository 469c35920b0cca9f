package venv

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/modgw/modgw/internal/account"
	"github.com/modgw/modgw/internal/proc"
	"github.com/modgw/modgw/internal/sandbox"
)

// safePath is the PATH of everything that runs for a build: compilers are there, the host's own
// surroundings are not.
const safePath = "/usr/local/bin:/usr/bin:/bin"

// pipeGrace is how long to wait for output of processes that left their group and kept the pipe.
const pipeGrace = 2 * time.Second

// process is one program of a build. It has its own process group and scope, all of which ends with
// it, and reads no input.
type process struct {
	args    []string
	dir     string
	env     []string
	account *account.Account
	limits  limits
	rules   *sandbox.Rules // nil: it is not confined
	lock    *os.File       // inherited, so that it stays locked as long as the program lives
	log     *slog.Logger   // receives records about leftover processes; nil: none
}

// run runs the program until it ends or ctx is done, with its output and errors written to w.
func (p process) run(ctx context.Context, w io.Writer) error {
	printed, theirs, err := proc.Pipe(p.account.Credential())
	if err != nil {
		return err
	}
	defer printed.Close()
	cmd := exec.CommandContext(ctx, p.args[0], p.args[1:]...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = p.dir, p.env, theirs, theirs
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: p.account.Credential()}
	cmd.Cancel = func() error { return killGroup(cmd.Process.Pid) }
	if p.lock != nil {
		cmd.ExtraFiles = []*os.File{p.lock}
	}
	// Where a limit of the app cannot be set, the app's workers have it logged.
	scope, _ := proc.NewScope(p.limits.group, p.limits.all)
	log := p.log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	err = proc.Launch{Limits: p.limits.Limits, Rules: p.rules, Scope: scope}.Start(cmd)
	theirs.Close()
	if err != nil {
		scope.Kill()
		return err
	}
	read := make(chan error, 1)
	go func() {
		_, err := io.Copy(w, printed)
		read <- err
	}()
	awaitExit(cmd.Process.Pid)
	// End processes that the program did not wait for. ESRCH means that there are none.
	_ = killGroup(cmd.Process.Pid)
	err = cmd.Wait()
	scope.End(log)
	_ = printed.SetReadDeadline(time.Now().Add(pipeGrace)) // a pipe can have one
	unread := <-read
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err == nil && !errors.Is(unread, os.ErrDeadlineExceeded) {
		err = unread // it could not be written on
	}
	return err
}

// output runs the program and returns the first 64 KiB of its output.
func (p process) output(ctx context.Context) (string, error) {
	p.limits = askedLimits(p.account)
	var b strings.Builder
	err := p.run(ctx, &capped{w: &b, left: 64 << 10})
	return b.String(), err
}

// awaitExit waits until the process has ended but does not reap it, so that its number, which is
// that of its group, cannot belong to others yet.
func awaitExit(pid int) {
	for unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil) == unix.EINTR {
	}
}

func killGroup(pid int) error {
	if err := syscall.Kill(-pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		return err
	}
	return nil
}

// capped writes the first bytes and swallows the rest.
type capped struct {
	w    io.Writer
	left int
}

func (c *capped) Write(data []byte) (int, error) {
	n := min(len(data), c.left)
	c.left -= n
	if _, err := c.w.Write(data[:n]); err != nil {
		return 0, err
	}
	return len(data), nil
}

// exitText describes how a program ended: "exited with code 1", "was killed by signal: killed".
func exitText(program string, err error) error {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return err
	}
	if wasKilled(err) {
		return fmt.Errorf("%s was killed", program)
	}
	return fmt.Errorf("%s exited with code %d", program, exit.ExitCode())
}

// wasKilled reports whether a program, or the one that it ran for us, ended by SIGKILL: pip hands
// on the end of the pip that it runs in the environment as exit code -9, a shell as 137.
func wasKilled(err error) bool {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return false
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	if ok && status.Signaled() {
		return status.Signal() == syscall.SIGKILL
	}
	return exit.ExitCode() == 256-9 || exit.ExitCode() == 128+9
}
