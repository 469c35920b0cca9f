package workers

import (
	"bytes"
	"log/slog"
	"slices"
	"testing"

	"github.com/modgw/modgw/internal/cgroup"
	"github.com/modgw/modgw/internal/faulttest"
	"github.com/modgw/modgw/modgw"
)

func TestMeansOfLimitsAreSaidForThoseThatAreSet(t *testing.T) {
	d := modgw.Descriptor{Name: "blog", Limits: modgw.Limits{Memory: 1 << 30, CPU: 2, Processes: 9}}
	means := LimitMeans(d, nil)
	if len(means) != 3 || means["memory"] != "rlimit" || means["processes"] != "rlimit" || means["cpu"] != "none" {
		t.Errorf("without control groups %v", means)
	}
	if l := Limits(d, nil); l.Memory != 1<<30 || l.Processes != 9 {
		t.Errorf("limits of each process %+v", l)
	}
	scope := NewScope(d, nil, slog.New(slog.DiscardHandler))
	defer scope.Kill()
	if version := scope.Version(cgroup.CPU); version > 0 && LimitMeans(d, scope)["cpu"] == "none" {
		t.Errorf("version %d bounds, and status says it does not", version)
	}
	if l := Limits(d, scope); (l.Processes == 0) != (scope.Version(cgroup.Processes) > 0) {
		t.Errorf("the number of the user's processes is bounded to %d", l.Processes)
	}
}

func TestUnenforcedAreLimitsWithoutControllerThatNothingElseEnforces(t *testing.T) {
	got := Unenforced(func(c cgroup.Controller) bool { return c == cgroup.Memory })
	if want := []string{"cpu", "cpu_weight", "io_weight"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestLimitThatTheKernelRefusesIsLogged(t *testing.T) {
	var log bytes.Buffer
	d := modgw.Descriptor{Name: "refused", Limits: modgw.Limits{CPU: 1e9}}
	scope := NewScope(d, nil, slog.New(slog.NewTextHandler(&log, nil)))
	defer scope.Kill()
	if scope.Version(cgroup.CPU) == 0 {
		t.Skip("this process cannot use the controller of processors")
	}
	faulttest.Want(t, log.String(), "MGW-APP-112")
}
