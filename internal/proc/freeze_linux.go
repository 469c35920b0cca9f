package proc

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"github.com/modgw/modgw/internal/cgroup"
)

// AllowFreeze prepares the scope for freezing its processes, if the kernel allows this process to
// do so. It must be called before a process is started in the scope.
func (s *Scope) AllowFreeze() {
	if s.folder != nil {
		if s.freezer = cgroup.UnifiedFreezer(s.folder.Name()); s.freezer != nil {
			return
		}
	}
	tree, err := ownTree()
	if err != nil {
		return // this machine has no groups
	}
	if home, err := homeName(); err == nil {
		s.freezer = tree.OpenFreezer(home, "frozen-"+strconv.FormatInt(cgroups.Add(1), 10))
	}
}

// FreezerVersion returns the version of control groups by which the scope is frozen, or 0 if it
// cannot be frozen.
func (s *Scope) FreezerVersion() int { return s.freezer.Version() }

// Freeze stops all processes of the scope. If it fails, or ctx ends first, they continue.
func (s *Scope) Freeze(ctx context.Context) error { return s.freezer.Freeze(ctx) }

// Thaw lets them continue.
func (s *Scope) Thaw() error { return s.freezer.Thaw() }

// PageOutMeans returns the way in which memory of the scope's frozen processes can be paged out:
// "memory.reclaim" of control groups, "madvise", or "none" if the machine has no swap.
func (s *Scope) PageOutMeans() string {
	switch {
	case !hasSwap():
		return "none"
	case s.in.Reclaims():
		return "memory.reclaim"
	}
	return "madvise"
}

// PageOut moves the memory of the scope's frozen processes to swap, as far as the kernel does it,
// until ctx ends.
func (s *Scope) PageOut(ctx context.Context) {
	switch s.PageOutMeans() {
	case "memory.reclaim":
		s.in.Reclaim(ctx)
	case "madvise":
		for _, pid := range s.freezer.Processes() {
			if ctx.Err() != nil {
				return
			}
			pageOut(ctx, filepath.Join("/proc", strconv.Itoa(pid), "maps"), pid)
		}
	}
}

// MachineFreezes reports whether a host of root's can probably freeze processes on this machine.
func MachineFreezes() bool {
	tree, err := ownTree()
	return err == nil && os.Geteuid() == 0 && tree.HasFreezer()
}

// CanFreeze reports whether this process can freeze others.
var CanFreeze = sync.OnceValue(func() bool {
	s, err := NewScope("", cgroup.Limits{})
	if err != nil {
		return false
	}
	s.AllowFreeze()
	can := s.FreezerVersion() > 0
	s.freezer.Remove()
	if s.folder != nil {
		s.Kill()
	}
	return can
})
