package process

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/modgw/modgw/internal/proc"
)

// strayInterval is the interval of checks whether a starting program listens on a wrong port.
const strayInterval = 500 * time.Millisecond

// stray notices a program that listens on another port than the one it was given. Some open one for
// a debugger or for metrics first, and need time for the other, so it has a part of the time that
// it has to start.
type stray struct {
	worker   *worker
	patience time.Duration
	lookedAt time.Time
	at       netip.AddrPort // the address at which it listens; the zero value: none
	since    time.Time      // when that was noticed
}

func newStray(w *worker) *stray {
	const share = 12 // 5 s of the default
	return &stray{worker: w, patience: w.runner.config.Descriptor.Timeouts.Startup / share, lookedAt: time.Now()}
}

// check checks now and then on which ports the program listens. The error means that it has been
// listening elsewhere for a while.
func (s *stray) check() error {
	now := time.Now()
	if now.Sub(s.lookedAt) < min(strayInterval, s.patience) {
		return nil
	}
	s.lookedAt = now
	at := s.worker.strayAddress()
	switch {
	case !at.IsValid():
		s.at = at
	case at != s.at:
		s.at, s.since = at, now
		s.worker.Log.Warn("program listens on another port than $PORT", "address", at.String(), "PORT", s.worker.port.number)
	case now.Sub(s.since) >= s.patience:
		return listensElsewhere(s.worker, at)
	}
	return nil
}

// strayAddress returns an address on which a process of the worker's group listens, other than the
// inherited socket. It is the zero value if there is none, or if it is the worker's port, which may
// not be reachable yet.
func (w *worker) strayAddress() (stray netip.AddrPort) {
	sockets := listeningSockets(strconv.Itoa(w.pid))
	own := w.ownSockets()
	for _, s := range sockets {
		addr, _ := netip.AddrFromSlice(s.LocalAddr)
		switch {
		case !own[s.Inode], s.Inode == w.inherited.inode():
		case int(s.LocalPort) == w.port.number && reachable(addr):
			return netip.AddrPort{}
		case !stray.IsValid():
			stray = netip.AddrPortFrom(addr, uint16(s.LocalPort))
		}
	}
	return stray
}

// reachable reports whether a socket with the address gets connections to a loopback address.
func reachable(a netip.Addr) bool { return a.Unmap().IsLoopback() || a.IsUnspecified() }

// ownSockets are the inodes of the sockets that the processes of the worker's group have open, as
// far as this user may know.
func (w *worker) ownSockets() map[uint64]bool {
	found := map[uint64]bool{}
	for _, pid := range proc.Group(w.pid) {
		folder := fmt.Sprintf("/proc/%d/fd", pid)
		entries, _ := os.ReadDir(folder) // it may have ended, or be another user's
		for _, e := range entries {
			target, _ := os.Readlink(filepath.Join(folder, e.Name()))
			number, is := strings.CutPrefix(target, "socket:[")
			if inode, err := strconv.ParseUint(strings.TrimSuffix(number, "]"), 10, 64); is && err == nil {
				found[inode] = true
			}
		}
	}
	return found
}

// inode returns the inode of the socket, or 0 if only the program has it.
func (s *inherited) inode() uint64 {
	if s == nil || s.file == nil {
		return 0
	}
	info, err := s.file.Stat()
	if err != nil {
		return 0
	}
	stat, _ := info.Sys().(*syscall.Stat_t)
	return stat.Ino
}
