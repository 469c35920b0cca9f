package proc

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/modgw/modgw/internal/watchtest"
)

// usualNice returns the nice value of this process. It skips the test if the process may not return
// to that value.
func usualNice(t *testing.T) int {
	t.Helper()
	usual, err := nice(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if !mayRaise(os.Getpid(), usual) {
		t.Skip("this user may not raise priorities")
	}
	return usual
}

func wantNice(t *testing.T, pid, want int) {
	t.Helper()
	if got, err := nice(pid); got != want || err != nil {
		t.Errorf("process %d is %d nice, want %d: %v", pid, got, want, err)
	}
}

func TestProcessThatYieldsIsNicerUntilItResumesAndSoAreItsChildren(t *testing.T) {
	usual := usualNice(t)
	theirs, ours, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p, out := sh(t, "read line; sleep 1000 & echo $!; wait", func(s *Spec) { s.Stdin = theirs })
	theirs.Close()
	p.Yield()
	p.Yield() // which is no more than once
	ours.Close()
	watchtest.Eventually(t, "it has a child", func() bool { return out.text("stdout") != "" })
	child, err := strconv.Atoi(strings.TrimSuffix(out.text("stdout"), "|"))
	if err != nil {
		t.Fatal(err)
	}
	wantNice(t, p.PID(), usual+yielding)
	wantNice(t, child, usual+yielding)
	p.Resume()
	wantNice(t, p.PID(), usual)
	wantNice(t, child, usual)
}

func TestProcessIsGivenAHigherPriority(t *testing.T) {
	usual := usualNice(t)
	if !mayRaise(os.Getpid(), usual-3) {
		t.Skip("this user may not raise priorities so far")
	}
	p, out := sh(t, "echo up; sleep 1000", func(s *Spec) { s.Limits.Nice = -3 })
	watchtest.Eventually(t, "it runs", func() bool { return out.text("stdout") != "" })
	wantNice(t, p.PID(), usual-3)
}

func TestProcessThatHasSetItsPriorityKeepsIt(t *testing.T) {
	usual := usualNice(t)
	p, _ := sh(t, "sleep 1000")
	p.Yield()
	if err := unix.Setpriority(unix.PRIO_PROCESS, p.PID(), usual+3); err != nil {
		t.Fatal(err)
	}
	p.Resume()
	wantNice(t, p.PID(), usual+3)
}
