package proc

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/modgw/modgw/internal/launcher"
	"github.com/modgw/modgw/internal/sandbox"
)

// Limits are limits for a process and the children that it starts later.
type Limits = launcher.Limits

// LimitError reports a limit that could not be set.
type LimitError = launcher.LimitError

// Launch describes what a new process does before it becomes the user and executes its program. The
// zero value does nothing.
type Launch struct {
	Limits Limits         // limits and priority that it sets
	Rules  *sandbox.Rules // rules by which it confines itself; nil: none
	Scope  *Scope         // scope of it and its children; nil: none
	Leash  bool           // the last of its ExtraFiles is armed, as described at [Spec.Leash]
}

// Start is cmd.Start for such a process: lowering one's own limits requires no privilege, whereas
// limiting another user's process requires CAP_SYS_RESOURCE, which containers lack. An error about
// a limit is a *LimitError.
//
// The new process is this program again, which reads its orders from a descriptor. The program's
// environment, such as LD_PRELOAD, does not affect it before it executes the program.
func (l Launch) Start(cmd *exec.Cmd) error {
	limits, rules := l.Scope.bound(l.Limits), l.Rules
	l.Scope.join(cmd)
	if cmd.Err != nil || !limits.Bounded() && rules == nil && !l.Leash {
		err := cmd.Start()
		if err == nil && limits.OOMScore > 0 {
			// If it is not allowed, as in some containers, the kernel chooses without it.
			_ = os.WriteFile(fmt.Sprintf("/proc/%d/oom_score_adj", cmd.Process.Pid), strconv.AppendInt(nil, int64(limits.OOMScore), 10), 0)
		}
		return err
	}
	env := cmd.Env
	if env == nil {
		env = os.Environ()
	}
	orders := launcher.Orders{Path: cmd.Path, Args: cmd.Args, Env: env, Dir: cmd.Dir, Limits: limits, Rules: rules}
	if l.Leash {
		orders.Leash = 2 + len(cmd.ExtraFiles)
	}
	if cmd.SysProcAttr != nil {
		orders.Credential = cmd.SysProcAttr.Credential
		cmd.SysProcAttr.Credential = nil
	}
	file, err := ordersFile(orders)
	if err != nil {
		return err
	}
	defer file.Close()
	failed, report, err := reportPair()
	if err != nil {
		return err
	}
	defer failed.Close()
	cmd.ExtraFiles = append(cmd.ExtraFiles[:len(cmd.ExtraFiles):len(cmd.ExtraFiles)], file, report)
	cmd.Path, cmd.Args, cmd.Env, cmd.Dir = "/proc/self/exe", []string{launcher.Name, strconv.Itoa(len(cmd.ExtraFiles))}, launcher.Env, ""
	err = cmd.Start()
	report.Close()
	if err != nil {
		return fmt.Errorf("cannot run the launcher: %w", err)
	}
	if rules != nil && rules.Learn {
		err = receiveListener(failed, rules)
	}
	var text []byte
	if err == nil {
		text, err = io.ReadAll(failed) // until the program runs, or has failed
	}
	if err == nil {
		err = readReports(text, rules)
	}
	if err != nil {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	return err
}

// reportPair makes the connection over which the launcher reports.
func reportPair() (ours, theirs *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, err
	}
	return os.NewFile(uintptr(fds[0]), launcher.Name), os.NewFile(uintptr(fds[1]), launcher.Name), nil
}

// receiveListener waits for the listener of a process that learns, and starts to watch it. If none
// arrives, the launcher reports its failure next.
func receiveListener(from *os.File, rules *sandbox.Rules) error {
	mark, rights := make([]byte, 1), make([]byte, unix.CmsgSpace(4))
	n, _, _, _, err := unix.Recvmsg(int(from.Fd()), mark, nil, unix.MSG_PEEK)
	if err != nil || n == 0 || mark[0] != launcher.Listening {
		return err
	}
	_, got, _, _, err := unix.Recvmsg(int(from.Fd()), mark, rights, unix.MSG_CMSG_CLOEXEC)
	if err != nil {
		return err
	}
	messages, err := unix.ParseSocketControlMessage(rights[:got])
	if err != nil || len(messages) != 1 {
		return fmt.Errorf("cannot receive the listener of the launcher: %w", err)
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 1 {
		return fmt.Errorf("cannot receive the listener of the launcher: %w", err)
	}
	if err := unix.SetNonblock(fds[0], true); err != nil {
		return err
	}
	rules.Watch(os.NewFile(uintptr(fds[0]), "listener"))
	return nil
}

// ordersFile writes the orders into memory, to be inherited: they may be longer than the buffer of
// a pipe.
func ordersFile(orders launcher.Orders) (*os.File, error) {
	text, err := json.Marshal(orders)
	if err != nil {
		return nil, err
	}
	fd, err := unix.MemfdCreate(launcher.Name, unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("cannot make memory for the launcher: %w", err)
	}
	file := os.NewFile(uintptr(fd), launcher.Name)
	if _, err = file.Write(text); err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

// readReports passes on the misled grants. It returns the reason why the launcher could not become
// the program, or nil if it has.
func readReports(text []byte, rules *sandbox.Rules) error {
	for reports := json.NewDecoder(bytes.NewReader(text)); ; {
		var r launcher.Report
		switch err := reports.Decode(&r); {
		case err == io.EOF:
			return nil
		case err != nil:
			return fmt.Errorf("cannot read what the launcher says: %w", err)
		case len(r.Misled) == 0:
			return launchFailure(r)
		}
		if rules != nil && rules.Misled != nil {
			for _, m := range r.Misled {
				rules.Misled(m)
			}
		}
	}
}

func launchFailure(r launcher.Report) error {
	switch {
	case r.Limit != nil:
		r.Limit.Err = r.Errno
		return r.Limit
	case r.Sandbox:
		return &sandbox.Error{Step: r.Step, Err: r.Errno}
	case r.Step != "":
		return fmt.Errorf("cannot %s: %w", r.Step, r.Errno)
	}
	return r.Errno
}
