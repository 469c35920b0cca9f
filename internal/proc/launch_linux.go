package proc

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/modgw/modgw/internal/sandbox"
)

// launcher is the name of this program while it is about to become another one, see [Launch].
const launcher = "modgw-launcher"

func init() {
	if len(os.Args) == 2 && os.Args[0] == launcher {
		becomeProgram(os.Args[1])
	}
}

// Launch is cmd.Start for a process with limits, or with rules that confine it. They are set by the
// new process itself, before it becomes the user and runs the program: lowering one's own limits
// needs no privilege, where limiting the processes of another user needs CAP_SYS_RESOURCE, which
// containers lack. An error about a limit is a *LimitError.
//
// The new process is this program again, which [Launch] tells what to become through a descriptor.
// Nothing of the program's environment reaches it before, as LD_PRELOAD would.
func Launch(cmd *exec.Cmd, limits Limits, rules *sandbox.Rules) error {
	if cmd.Err != nil || !limits.bounded() && rules == nil {
		err := cmd.Start()
		if err == nil && limits.OOMScore > 0 {
			// Where it is not allowed, as in some containers, the kernel chooses without it.
			_ = os.WriteFile(fmt.Sprintf("/proc/%d/oom_score_adj", cmd.Process.Pid), strconv.AppendInt(nil, int64(limits.OOMScore), 10), 0)
		}
		return err
	}
	env := cmd.Env
	if env == nil {
		env = os.Environ()
	}
	orders := launchOrders{Path: cmd.Path, Args: cmd.Args, Env: env, Dir: cmd.Dir, Limits: limits, Rules: rules}
	if cmd.SysProcAttr != nil {
		orders.Credential = cmd.SysProcAttr.Credential
		cmd.SysProcAttr.Credential = nil
	}
	file, err := orders.file()
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
	cmd.Path, cmd.Args, cmd.Env, cmd.Dir = "/proc/self/exe", []string{launcher, strconv.Itoa(len(cmd.ExtraFiles))}, []string{}, ""
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
		text, err = io.ReadAll(failed) // until the program runs, or never will
	}
	if err == nil && len(text) > 0 {
		err = launchFailure(text)
	}
	if err != nil {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	return err
}

// reportPair makes the connection by which the launcher reports.
func reportPair() (ours, theirs *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, err
	}
	return os.NewFile(uintptr(fds[0]), launcher), os.NewFile(uintptr(fds[1]), launcher), nil
}

// receiveListener waits for the listener of a process that learns and lets it be watched. Without
// one the failure of the launcher comes next.
func receiveListener(from *os.File, rules *sandbox.Rules) error {
	mark, rights := make([]byte, 1), make([]byte, unix.CmsgSpace(4))
	n, _, _, _, err := unix.Recvmsg(int(from.Fd()), mark, nil, unix.MSG_PEEK)
	if err != nil || n == 0 || mark[0] != listening {
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

// LimitError says that a limit could not be set.
type LimitError struct {
	Name  string // "files", "processes" or "memory"
	Value uint64 // limit that could not be set
	Hard  uint64 // most that the new process may have
	Err   error  `json:"-"` // reason; nil: another process reported it
}

// Error says which limit it is.
func (e *LimitError) Error() string {
	return fmt.Sprintf("cannot set the limit of %s to %d, for that of this process is %d: %v", e.Name, e.Value, e.Hard, e.Err)
}

// Unwrap returns the kernel's error.
func (e *LimitError) Unwrap() error { return e.Err }

// launchOrders say what the launcher is to become.
type launchOrders struct {
	Path       string
	Args       []string
	Env        []string
	Dir        string
	Credential *syscall.Credential
	Limits     Limits
	Rules      *sandbox.Rules // nil: it is not confined

	report int // descriptor of the report, in the launcher
}

// listening is what the launcher sends with the listener of a process that learns.
const listening = 'L'

// file has the orders in memory, to be inherited: they may be longer than a pipe has room.
func (o launchOrders) file() (*os.File, error) {
	text, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	fd, err := unix.MemfdCreate(launcher, unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("cannot make memory for the launcher: %w", err)
	}
	file := os.NewFile(uintptr(fd), launcher)
	if _, err = file.Write(text); err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

// launchReport is why the launcher could not become the program.
type launchReport struct {
	Step  string // "" for running the program
	Errno syscall.Errno
	Limit *LimitError

	Sandbox bool // the step is one of the confinement
}

func launchFailure(text []byte) error {
	var r launchReport
	if err := json.Unmarshal(text, &r); err != nil {
		return fmt.Errorf("cannot read what the launcher says: %w", err)
	}
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

// becomeProgram obeys the orders behind the descriptor before the one with the number, into which
// it writes why it could not.
func becomeProgram(number string) {
	runtime.LockOSThread()
	last, err := strconv.Atoi(number)
	if err != nil {
		os.Exit(exitNoProgram)
	}
	const first = 3 // of what a process inherits besides the standard streams
	orders, report := os.NewFile(uintptr(first+last-2), "orders"), os.NewFile(uintptr(first+last-1), "report")
	syscall.CloseOnExec(int(orders.Fd()))
	syscall.CloseOnExec(int(report.Fd()))
	var o launchOrders
	if err := json.NewDecoder(orders).Decode(&o); err != nil {
		os.Exit(exitNoProgram)
	}
	o.report = int(report.Fd())
	failure := o.obey()
	if errno, ok := errors.AsType[syscall.Errno](failure.err); ok {
		failure.Errno = errno
	}
	_ = json.NewEncoder(report).Encode(failure.launchReport) // there is no other way to report it
	os.Exit(exitNoProgram)
}

// exitNoProgram is the exit code that a shell gives for a program that it cannot run.
const exitNoProgram = 126

// launchError is a report with the error that it is made of.
type launchError struct {
	launchReport
	err error
}

// obey becomes the program. It returns only why it cannot. The user is changed for this thread
// alone, which is the one that lives on: the kernel counts the threads of a user as its processes.
func (o launchOrders) obey() (failure launchError) {
	debug.SetGCPercent(-1) // what comes needs memory, and may have little
	path, err := syscall.BytePtrFromString(o.Path)
	if err != nil {
		return launchError{err: err}
	}
	argv, err := syscall.SlicePtrFromStrings(o.Args)
	if err != nil {
		return launchError{err: err}
	}
	envv, err := syscall.SlicePtrFromStrings(o.Env)
	if err != nil {
		return launchError{err: err}
	}
	if o.Limits.OOMScore > 0 {
		_ = os.WriteFile("/proc/self/oom_score_adj", strconv.AppendInt(nil, int64(o.Limits.OOMScore), 10), 0)
	}
	if err := o.Limits.join(); err != nil {
		return launchError{launchReport{Step: "join the control group of the app"}, err}
	}
	if limit := o.Limits.set(); limit != nil {
		return launchError{launchReport{Limit: limit}, limit.Err}
	}
	if err := o.Limits.applyMask(); err != nil {
		return launchError{launchReport{Step: "set the umask"}, err}
	}
	if err := o.Limits.applyNice(); err != nil {
		return launchError{launchReport{Step: "set the priority"}, err}
	}
	if o.Rules != nil {
		if err := o.Rules.Prepare(); err != nil {
			return unconfined(err)
		}
	}
	if c := o.Credential; c != nil {
		if err := becomeUser(c); err != nil {
			return launchError{launchReport{Step: "become the user"}, err}
		}
	}
	if o.Dir != "" {
		if err := syscall.Chdir(o.Dir); err != nil {
			return launchError{launchReport{Step: "enter the working directory"}, err}
		}
	}
	if o.Rules != nil {
		listener, err := o.Rules.Restrict()
		if err != nil {
			return unconfined(err)
		}
		if listener >= 0 {
			// Running the program waits until the listener is served.
			if err := unix.Sendmsg(o.report, []byte{listening}, unix.UnixRights(listener), nil, 0); err != nil {
				return launchError{launchReport{Step: "hand over the listener of its system calls"}, err}
			}
		}
	}
	_, _, errno := syscall.RawSyscall(syscall.SYS_EXECVE,
		uintptr(unsafe.Pointer(path)), uintptr(unsafe.Pointer(&argv[0])), uintptr(unsafe.Pointer(&envv[0])))
	return launchError{err: errno}
}

// unconfined is the failure of a program that does not run because it would not be confined.
func unconfined(err error) launchError {
	step := "confine it"
	if failed, ok := errors.AsType[*sandbox.Error](err); ok {
		step = failed.Step
	}
	return launchError{launchReport{Step: step, Sandbox: true}, err}
}

// becomeUser gives this thread the user and the groups.
func becomeUser(c *syscall.Credential) error {
	if !c.NoSetGroups {
		groups := append([]uint32{}, c.Groups...)
		var list unsafe.Pointer
		if len(groups) > 0 {
			list = unsafe.Pointer(&groups[0])
		}
		if _, _, errno := syscall.RawSyscall(syscall.SYS_SETGROUPS, uintptr(len(groups)), uintptr(list), 0); errno != 0 {
			return errno
		}
	}
	if _, _, errno := syscall.RawSyscall(syscall.SYS_SETRESGID, uintptr(c.Gid), uintptr(c.Gid), uintptr(c.Gid)); errno != 0 {
		return errno
	}
	if _, _, errno := syscall.RawSyscall(syscall.SYS_SETRESUID, uintptr(c.Uid), uintptr(c.Uid), uintptr(c.Uid)); errno != 0 {
		return errno
	}
	return nil
}
