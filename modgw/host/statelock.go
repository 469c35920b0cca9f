package host

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/modgw/modgw/internal/files"
	"github.com/modgw/modgw/internal/safepath"
	"github.com/modgw/modgw/modgw"
)

// lockState reserves the state folder for this host until the returned function is called. The
// lock ends with the process in any case.
func (h *Host) lockState() (unlock func(), err error) {
	dir := h.State()
	if err := files.MakeFolder(dir, 0o755); err != nil {
		return nil, stateFault(dir, err)
	}
	if err := checkState(dir); err != nil {
		return nil, stateFault(dir, err)
	}
	name := filepath.Join(dir, "host.lock")
	file, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, stateFault(dir, err)
	}
	if err := file.Chmod(0o600); err != nil {
		file.Close()
		return nil, stateFault(dir, err)
	}
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		defer file.Close()
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return nil, stateFault(dir, err)
		}
		return nil, &modgw.Fault{
			Code:    "MGW-HST-010",
			Summary: fmt.Sprintf("cannot use state folder %q: the host with pid %s holds it", dir, holder(name)),
			Hint:    "stop that host with modgw-host stop, or give this one a folder of its own with --state",
		}
	}
	h.succession.lock = file
	h.writePID()
	return func() { file.Close() }, nil
}

// writePID writes the host's pid into the lock, for people; the lock itself is the kernel's.
func (h *Host) writePID() {
	_ = h.succession.lock.Truncate(0)
	_, _ = h.succession.lock.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
}

// checkState refuses a folder in which another user could put files for the host.
func checkState(dir string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	f, err := safepath.Opener{}.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	if f.Loose.Path != "" {
		return fmt.Errorf("%s: chmod go-w %s", f.Loose, f.Loose.Path)
	}
	if !f.Writers.RootAlone() {
		return errors.New(safepath.Reasons(f.Steps))
	}
	info, err := f.Stat()
	if err != nil {
		return err
	}
	// A container may have a folder of root's in which it may write.
	if s, ok := info.Sys().(*syscall.Stat_t); ok && s.Uid != 0 && int(s.Uid) != os.Geteuid() {
		return fmt.Errorf("it belongs to user %d", s.Uid)
	}
	return nil
}

func holder(name string) string {
	pid, err := os.ReadFile(name)
	if err != nil || len(pid) == 0 {
		return "unknown"
	}
	return strings.TrimSpace(string(pid))
}

func stateFault(dir string, err error) error {
	hint := "give it another folder with --state"
	switch {
	case errors.Is(err, os.ErrPermission):
		hint = fmt.Sprintf("make it writable for this user (chown), or choose another folder with --state; a normal user's default is below $XDG_STATE_HOME, and %q is root's", DefaultState(0))
	case errors.Is(err, syscall.ENOSPC):
		hint = "make room on that file system: modgw-host env gc removes environments that nothing uses"
	}
	return &modgw.Fault{
		Code:    "MGW-HST-011",
		Summary: fmt.Sprintf("cannot use state folder %q", dir),
		Err:     err,
		Hint:    hint,
	}
}

// DefaultState is the state folder of a host without a configured one: /var/lib/modgw for root,
// and for others modgw below $XDG_STATE_HOME (XDG Base Directory Specification), by default
// ~/.local/state.
func DefaultState(uid int) string {
	if uid == 0 {
		return "/var/lib/modgw"
	}
	base := os.Getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(base) {
		home, err := os.UserHomeDir()
		if err != nil {
			return filepath.Join(os.TempDir(), fmt.Sprintf("modgw-%d", uid))
		}
		base = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(base, "modgw")
}

// ControlAddress is the control address of a host with that state folder, unless another is
// configured.
func ControlAddress(state string) modgw.Address {
	return modgw.Address("unix:" + filepath.Join(state, "control.sock"))
}
