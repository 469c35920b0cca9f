package proc

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/modgw/modgw/internal/cgroup"
	"github.com/modgw/modgw/internal/watchtest"
)

// freezable returns scopes that can be frozen, by version.
func freezable(t *testing.T) map[string]*Scope {
	t.Helper()
	all := map[string]*Scope{}
	if s := scopes(t)["cgroup"]; s != nil {
		if s.AllowFreeze(); s.FreezerVersion() == 2 {
			all["version 2"] = s
		} else {
			s.Kill()
		}
	}
	s := &Scope{mark: "of-" + t.Name()} // as on a machine without version 2
	if s.AllowFreeze(); s.FreezerVersion() == 1 {
		all["version 1"] = s
	}
	if len(all) == 0 {
		t.Skip("this process can make no control groups that freeze")
	}
	return all
}

// counter starts a program that prints as long as it runs. It leaves a child in its own session
// that does the same.
func counter(t *testing.T, s *Scope) (p *Process, printed func() int) {
	t.Helper()
	const count = "while :; do echo x; sleep 0.01; done"
	p, out := sh(t, "setsid sh -c '"+count+"' & "+count, func(spec *Spec) { spec.Scope = s })
	return p, func() int { return len(out.text("stdout")) }
}

func TestFrozenProcessesDoNothingUntilTheyAreThawed(t *testing.T) {
	for version, scope := range freezable(t) {
		t.Run(version, func(t *testing.T) {
			_, printed := counter(t, scope)
			watchtest.Eventually(t, "output", func() bool { return printed() > 10 })
			if err := scope.Freeze(t.Context()); err != nil {
				t.Fatal(err)
			}
			watchtest.Eventually(t, "end of the output", func() bool {
				before := printed()
				time.Sleep(50 * time.Millisecond) // earlier output is still on its way
				return printed() == before
			})
			before := printed()
			scope.PageOut(t.Context()) // harmless
			if err := scope.Thaw(); err != nil {
				t.Fatal(err)
			}
			watchtest.Eventually(t, "output after it was thawed", func() bool { return printed() > before+10 })
			scope.Kill()
		})
	}
}

func TestFrozenProcessesCanBeKilled(t *testing.T) {
	for version, scope := range freezable(t) {
		t.Run(version, func(t *testing.T) {
			p, printed := counter(t, scope)
			watchtest.Eventually(t, "output", func() bool { return printed() > 10 })
			if err := scope.Freeze(t.Context()); err != nil {
				t.Fatal(err)
			}
			pids := scope.freezer.Processes()
			if len(pids) < 2 {
				t.Errorf("%d processes are frozen", len(pids))
			}
			scope.Kill()
			p.Kill()
			if exit := p.Exit(); exit.Signal != syscall.SIGKILL {
				t.Errorf("exit %s", exit)
			}
			for _, pid := range pids {
				watchtest.Eventually(t, "end of all", func() bool { return !alive(pid) })
			}
		})
	}
}

func TestFreezingEndsWithItsContext(t *testing.T) {
	for version, scope := range freezable(t) {
		t.Run(version, func(t *testing.T) {
			_, printed := counter(t, scope)
			watchtest.Eventually(t, "output", func() bool { return printed() > 10 })
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if err := scope.Freeze(ctx); err != nil && !errors.Is(err, context.Canceled) {
				t.Errorf("Freeze = %v", err)
			} else if err == nil { // it was fast
				_ = scope.Thaw()
			}
			before := printed()
			watchtest.Eventually(t, "output", func() bool { return printed() > before+10 })
			scope.Kill()
		})
	}
}

func TestWhatAnEndedProgramLeftFrozenEnds(t *testing.T) {
	scope := freezable(t)["version 1"]
	if scope == nil {
		t.Skip("there is no freezer of version 1")
	}
	p, printed := counter(t, scope)
	watchtest.Eventually(t, "output", func() bool { return printed() > 10 })
	if err := scope.Freeze(t.Context()); err != nil {
		t.Fatal(err)
	}
	pids := scope.freezer.Processes()
	tree, err := cgroup.Find()
	if err != nil {
		t.Fatal(err)
	}
	home, err := homeName()
	if err != nil {
		t.Fatal(err)
	}
	tree.RemoveStrays(home, func(string) bool { return true })
	for _, pid := range pids {
		watchtest.Eventually(t, "end of what was left", func() bool { return !alive(pid) })
	}
	<-p.Done()
	scope.Kill()
}

func TestWritableMemoryIsFoundInMaps(t *testing.T) {
	maps := filepath.Join(t.TempDir(), "maps")
	text := "00400000-00452000 r-xp 00000000 08:02 173521 /usr/bin/python\n" +
		"00e03000-00e24000 rw-p 00000000 00:00 0 [heap]\n" +
		"7f0000000000-7f0000001000 rw-s 00000000 00:01 5 /dev/zero\n" +
		"7f0000002000-7f0000005000 rw-p 00000000 00:00 0 \n" +
		"nonsense\n"
	if err := os.WriteFile(maps, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	ranges := writableRanges(maps)
	if len(ranges) != 2 || ranges[0] != (addressRange{0xe03000, 0x21000}) || ranges[1] != (addressRange{0x7f0000002000, 0x3000}) {
		t.Errorf("%x", ranges)
	}
	if left := after(ranges, 0x21000); len(left) != 1 || left[0] != ranges[1] {
		t.Errorf("left: %x", left)
	}
	if left := after(ranges, 0x22000); len(left) != 0 {
		t.Errorf("left in the middle: %x", left)
	}
	if strings.Contains(maps, "\n") || writableRanges(filepath.Join(maps, "gone")) != nil {
		t.Error("found memory of a process that is gone")
	}
}
