// Package launcher is this program in the short time before it executes another one: it sets
// limits, confines itself, changes its user, and executes the program.
//
// It imports little, because a package is initialised after its imports: the launcher executes the
// program before the other packages of this one are initialised, which would take longer than all
// its other work.
package launcher

import (
	"encoding/json"
	"errors"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/modgw/modgw/internal/sandbox"
)

// Env is the environment of the launcher itself: it ends soon, and may have little memory until
// then.
var Env = []string{"GOGC=off"}

// Name is the first argument, the program's name, that makes this program the launcher. The second
// argument is the number of inherited descriptors besides the standard streams.
const Name = "modgw-launcher"

func init() {
	if len(os.Args) == 2 && os.Args[0] == Name {
		becomeProgram(os.Args[1])
	}
}

// Orders describe the program to execute. The launcher reads them as JSON from the last but one of
// the descriptors that it has inherited.
type Orders struct {
	Path       string              // absolute
	Args       []string            // with the program's name
	Env        []string            // "KEY=value"
	Dir        string              // working directory; "": it is not changed
	Credential *syscall.Credential // user and groups; nil: they are not changed
	Limits     Limits              // zero: inherited from the launcher
	Rules      *sandbox.Rules      // nil: it is not confined
	Leash      int                 // descriptor whose other end keeps its group alive; 0: none

	report int // descriptor of the report, in the launcher
}

// Listening is the byte that the launcher sends on the report's descriptor, together with the
// listener of a process that learns.
const Listening = 'L'

// Report is the reason why the launcher could not become the program. It is written as JSON to the
// last inherited descriptor, which is closed when the program runs.
type Report struct {
	Step  string        // such as "become the user"; "": to execute the program
	Errno syscall.Errno // answer of the kernel
	Limit *LimitError   // nil: it is not about a limit

	Sandbox bool // Step is a step of the confinement

	// Misled are grants that lead to places where they may not lead. They are no failure, which may
	// still follow.
	Misled []sandbox.Misled
}

// becomeProgram obeys the orders in the last but one of the inherited descriptors. number is the
// number of these descriptors. If it fails, it writes the reason into the last one.
func becomeProgram(number string) {
	runtime.LockOSThread()
	last, err := strconv.Atoi(number)
	if err != nil {
		os.Exit(exitNoProgram)
	}
	const first = 3 // first descriptor after the standard streams
	orders, report := os.NewFile(uintptr(first+last-2), "orders"), os.NewFile(uintptr(first+last-1), "report")
	syscall.CloseOnExec(int(orders.Fd()))
	syscall.CloseOnExec(int(report.Fd()))
	var o Orders
	if err := json.NewDecoder(orders).Decode(&o); err != nil {
		os.Exit(exitNoProgram)
	}
	o.report = int(report.Fd())
	failed := o.obey()
	if errno, ok := errors.AsType[syscall.Errno](failed.err); ok {
		failed.Errno = errno
	}
	_ = json.NewEncoder(report).Encode(failed.Report) // there is no other way to report it
	os.Exit(exitNoProgram)
}

// exitNoProgram is the exit code that a shell returns for a program that it cannot run.
const exitNoProgram = 126

// failure is a report with its error.
type failure struct {
	Report
	err error
}

// obey executes the program, and returns only if that fails. It changes the user of this thread
// only, which is the thread that survives: the kernel counts the threads of a user as its
// processes.
func (o Orders) obey() failure {
	if err := o.tie(); err != nil {
		return failure{Report{Step: "tie it to the host"}, err}
	}
	path, err := syscall.BytePtrFromString(o.Path)
	if err != nil {
		return failure{err: err}
	}
	argv, err := syscall.SlicePtrFromStrings(o.Args)
	if err != nil {
		return failure{err: err}
	}
	envv, err := syscall.SlicePtrFromStrings(o.Env)
	if err != nil {
		return failure{err: err}
	}
	if o.Limits.OOMScore > 0 {
		_ = os.WriteFile("/proc/self/oom_score_adj", strconv.AppendInt(nil, int64(o.Limits.OOMScore), 10), 0)
	}
	if err := o.Limits.join(); err != nil {
		return failure{Report{Step: "join the control group of the app"}, err}
	}
	if limit := o.Limits.set(); limit != nil {
		return failure{Report{Limit: limit}, limit.Err}
	}
	if err := o.Limits.applyMask(); err != nil {
		return failure{Report{Step: "set the umask"}, err}
	}
	if err := o.Limits.applyNice(); err != nil {
		return failure{Report{Step: "set the priority"}, err}
	}
	if o.Rules != nil {
		if err := o.Rules.Prepare(); err != nil {
			return unconfined(err)
		}
	}
	if c := o.Credential; c != nil {
		if err := becomeUser(c); err != nil {
			return failure{Report{Step: "become the user"}, err}
		}
	}
	if o.Dir != "" {
		if err := syscall.Chdir(o.Dir); err != nil {
			return failure{Report{Step: "enter the working directory"}, err}
		}
	}
	if o.Rules != nil {
		misled, listener, err := o.Rules.Restrict()
		if err != nil {
			return unconfined(err)
		}
		if len(misled) > 0 {
			text, _ := json.Marshal(Report{Misled: misled})
			if _, err := unix.Write(o.report, text); err != nil {
				return failure{Report{Step: "report what is not granted"}, err}
			}
		}
		if listener >= 0 {
			// The execution of the program waits until the listener is served.
			if err := unix.Sendmsg(o.report, []byte{Listening}, unix.UnixRights(listener), nil, 0); err != nil {
				return failure{Report{Step: "hand over the listener of its system calls"}, err}
			}
		}
	}
	_, _, errno := syscall.RawSyscall(syscall.SYS_EXECVE,
		uintptr(unsafe.Pointer(path)), uintptr(unsafe.Pointer(&argv[0])), uintptr(unsafe.Pointer(&envv[0])))
	return failure{err: errno}
}

// tie makes the kernel kill the process group when the other end of the leash closes. The process
// does so itself, before it executes the program: the host may be killed at any moment after the
// start, and then no other process would end it.
func (o Orders) tie() error {
	if o.Leash == 0 {
		return nil
	}
	for _, set := range []struct{ command, value int }{
		{unix.F_SETOWN, -os.Getpid()}, {unix.F_SETSIG, int(unix.SIGKILL)}, {unix.F_SETFL, unix.O_ASYNC},
	} {
		if _, err := unix.FcntlInt(uintptr(o.Leash), set.command, set.value); err != nil {
			return err
		}
	}
	events := []unix.PollFd{{Fd: int32(o.Leash), Events: unix.POLLIN}}
	n, err := unix.Poll(events, 0)
	if n > 0 { // it closed before the kernel knew which processes to kill
		os.Exit(exitNoProgram)
	}
	return err
}

// unconfined returns the failure of a program that does not run because it would not be confined.
func unconfined(err error) failure {
	step := "confine it"
	if failed, ok := errors.AsType[*sandbox.Error](err); ok {
		step = failed.Step
	}
	return failure{Report{Step: step, Sandbox: true}, err}
}

// becomeUser sets the user and the groups of this thread.
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
