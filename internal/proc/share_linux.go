package proc

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Shared holds the access that another instance of this program needs to supervise a process that
// this one has started, at the same time or afterwards.
type Shared struct {
	PID  int    // ID of the process
	Mark string // as [Scope.Mark]

	// Files are its descriptor (pidfd_open(2)), the reading ends of its standard output and
	// standard error, and the other end of its lifeline or leash, which ends the process when both
	// processes that have it have ended. The receiver must close them.
	Files []*os.File
}

// SharedFiles is the number of files in a [Shared].
const SharedFiles = 4

// errNotShared is the reason why a process cannot be shared.
var errNotShared = errors.New("cannot share the process: its streams or its end are not those of this host")

// ownership is the state of a process that two instances of this program can supervise.
type ownership uint8

const (
	owned    ownership = iota
	borrowed           // it still belongs to the host that started it
	given              // it belongs to the other host by now
	released           // and its end is no longer awaited here
)

// Share returns the access that another instance of this program needs to supervise the process as
// well. This one owns the process until Give.
func (p *Process) Share() (Shared, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reaped || p.ownership != owned {
		return Shared{}, errors.New("cannot share the process: it has ended, or is another host's")
	}
	s := Shared{PID: p.pid, Mark: p.scope.Mark()}
	fd, err := unix.PidfdOpen(p.pid, 0) // it is not reaped, so the ID is still its own
	if err != nil {
		return Shared{}, fmt.Errorf("cannot share the process: %w", err)
	}
	s.Files = append(s.Files, os.NewFile(uintptr(fd), "pidfd"))
	for _, f := range []*os.File{p.pipes.stdout, p.pipes.stderr, p.pipes.lifeline} {
		if f == nil {
			closeAll(s.Files...)
			return Shared{}, errNotShared
		}
		duplicate, err := duplicateFile(f)
		if err != nil {
			closeAll(s.Files...)
			return Shared{}, fmt.Errorf("cannot share the process: %w", err)
		}
		s.Files = append(s.Files, duplicate)
	}
	return s, nil
}

// duplicateFile duplicates a file without changing its mode.
func duplicateFile(f *os.File) (*os.File, error) {
	conn, err := f.SyscallConn()
	if err != nil {
		return nil, err
	}
	fd := -1
	controlErr := conn.Control(func(own uintptr) { fd, err = unix.FcntlInt(own, unix.F_DUPFD_CLOEXEC, 0) })
	if err := errors.Join(controlErr, err); err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), f.Name()), nil
}

// Inherit supervises a process that another instance of this program shares and owns until Own.
// Until then the process is left untouched: Kill only lets go of it, and its output is not read. Of
// the spec, only Scope and Output matter. The files are closed, also after an error.
func Inherit(spec Spec, s Shared) (*Process, error) {
	if len(s.Files) != SharedFiles || s.PID <= 1 {
		closeAll(s.Files...)
		return nil, errors.New("cannot supervise the process of another host: something is missing")
	}
	p := newProcess(spec.Scope)
	p.pid, p.ownership, p.mark = s.PID, borrowed, s.Mark
	spec.Scope.starting()(p.pid)
	p.pipes = &pipes{stdout: s.Files[1], stderr: s.Files[2], lifeline: s.Files[3]}
	p.output = spec.Output
	err := isProcess(s.Files[0], s.PID)
	if err == nil {
		err = p.hold(s.Files[0])
	}
	s.Files[0].Close()
	if err != nil {
		p.pipes.closeOurs()
		return nil, fmt.Errorf("cannot supervise the process of another host: %w", err)
	}
	go p.supervise()
	return p, nil
}

// hold opens the descriptors of the process by which this one watches and signals it.
func (p *Process) hold(pidfd *os.File) error {
	var fds [2]int
	for n := range fds {
		fd, err := unix.FcntlInt(pidfd.Fd(), unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			for _, open := range fds[:n] {
				unix.Close(open)
			}
			return err
		}
		fds[n] = fd
	}
	p.pidfd = fds[0]
	p.adopted = &adopted{pidfd: fds[1], reap: func() (syscall.WaitStatus, bool) { return exitStatus(fds[1]) }}
	return nil
}

// isProcess returns an error unless pidfd is a descriptor of the process with the given ID.
func isProcess(pidfd *os.File, pid int) error {
	info, err := os.Open(fmt.Sprintf("/proc/self/fdinfo/%d", pidfd.Fd()))
	if err != nil {
		return err
	}
	defer info.Close()
	for lines := bufio.NewScanner(info); lines.Scan(); {
		if value, ok := strings.CutPrefix(lines.Text(), "Pid:"); ok {
			if found, _ := strconv.Atoi(strings.TrimSpace(value)); found == pid {
				return nil
			}
		}
	}
	return fmt.Errorf("its descriptor is not that of process %d", pid)
}

// Own takes ownership of a process that another host has shared: from now on, it is in the scope,
// with its descendants. The error is the reason why it is not. Own returns false if the process was
// released.
func (p *Process) Own() (owns bool, err error) {
	p.mu.Lock()
	if owns = p.ownership != released; owns {
		p.ownership = owned
	}
	// If it has ended, another process may have its ID.
	holds := owns && !p.reaped && p.adopted.held()
	p.mu.Unlock()
	if holds {
		err = p.scope.adopt(p.pid, p.mark)
	}
	return owns, err
}

// ReadOutput starts to read the output of an inherited process. It must be called when no other
// host reads the output any more.
func (p *Process) ReadOutput() { p.readOutput(p.output) }

// readOutput starts to read the output of the process, if it is not being read yet.
func (p *Process) readOutput(output Output) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reads {
		return
	}
	p.reads = true
	if p.pipes.stdout != nil {
		p.pumps.Go(func() { pump(p.pipes.stdout, "stdout", p.pid, output) })
	}
	p.pumps.Go(func() { pump(p.pipes.stderr, "stderr", p.pid, output) })
}

// Give transfers a process to the host that it was shared with, which alone signals it and reads
// its output from now on. When Give returns, this host has stopped reading.
func (p *Process) Give() {
	p.mu.Lock()
	if p.reaped || p.ownership != owned {
		p.mu.Unlock()
		return
	}
	p.ownership = given
	p.mu.Unlock()
	p.scope.leave()
	p.pipes.expire(time.Unix(1, 0))
	p.pumps.Wait()
}

// Release lets go of a process that belongs to another host: Done closes, and the process
// continues. If the process belongs to this host, Release returns false and has no effect.
func (p *Process) Release() bool {
	p.mu.Lock()
	if p.ownership == owned {
		p.mu.Unlock()
		return false
	}
	if p.ownership == released || p.reaped {
		p.mu.Unlock()
		return true
	}
	p.ownership = released
	p.exit = Exit{Cause: Left}
	close(p.ended)
	watched := p.watched
	p.mu.Unlock()
	if watched != nil {
		watched.Close() // the process is not reaped here
	}
	p.pipes.closeOurs()
	close(p.done)
	return true
}

// IsLeft reports whether another host has the process.
func (p *Process) IsLeft() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ownership != owned
}

// adopt moves a process and its descendants into the scope. mark is the mark of its previous scope.
func (s *Scope) adopt(pid int, mark string) error {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	if mark != "" && !slices.Contains(s.others, mark) {
		s.others = append(s.others, mark)
	}
	s.mu.Unlock()
	if s.folder != nil {
		s.restore()
	}
	moved := map[int]bool{}
	const rounds = 4 // children started meanwhile are in the scope that their parent was in
	for range rounds {
		found := false
		for _, member := range family(pid) {
			if moved[member] {
				continue
			}
			moved[member], found = true, true
			if err := s.add(member); err != nil && (member == pid || !errors.Is(err, syscall.ESRCH)) {
				return fmt.Errorf("cannot move process %d: %w", member, err)
			}
		}
		if !found {
			break
		}
	}
	return nil
}

// leave records that the processes in the scope belong to another host, so that they are no longer
// found and killed by their marks.
func (s *Scope) leave() {
	if s != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.left = true
	}
}

// family returns a process and its running descendants. If the kernel does not list the
// descendants, it returns only the process.
func family(pid int) []int {
	all := []int{pid}
	for i := 0; i < len(all); i++ {
		// the pattern is right
		lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", all[i]))
		for _, list := range lists {
			text, err := os.ReadFile(list)
			if err != nil {
				continue // the thread has ended
			}
			for word := range strings.FieldsSeq(string(text)) {
				if child, err := strconv.Atoi(word); err == nil {
					all = append(all, child)
				}
			}
		}
	}
	return all
}

// pidfdInfo is the kernel's pidfd_info (linux/pidfd.h), which exists since Linux 6.13. Since 6.15
// it contains the exit status once the process was reaped.
type pidfdInfo struct {
	mask     uint64
	_        uint64
	_        [11]uint32
	exitCode int32
}

const (
	pidfdGetInfo  = 0xC040FF0B // _IOWR(PIDFS_IOCTL_MAGIC, 11, struct pidfd_info)
	pidfdInfoExit = 1 << 3
)

// exitStatus returns the wait status of a process that has ended and will soon be reaped by its
// parent. It returns false if the kernel does not report the status.
func exitStatus(pidfd int) (syscall.WaitStatus, bool) {
	const attempts, pause = 50, 10 * time.Millisecond
	for range attempts {
		info := pidfdInfo{mask: pidfdInfoExit}
		_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(pidfd), pidfdGetInfo, uintptr(unsafe.Pointer(&info)))
		switch {
		case errno == 0 && info.mask&pidfdInfoExit != 0:
			return syscall.WaitStatus(info.exitCode), true
		case errno == unix.ENOTTY || errno == unix.EINVAL:
			return 0, false
		}
		time.Sleep(pause)
	}
	return 0, false
}
