package workers

import (
	"fmt"
	"log/slog"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/modgw/modgw/internal/kernelaudit"
	"github.com/modgw/modgw/internal/proc"
	"github.com/modgw/modgw/internal/watchtest"
	"github.com/modgw/modgw/modgw"
)

// TestWhatAProgramHidesIsDeniedAndNamed has a program connect to the same port of two addresses and
// create a namespace, and hide the results.
func TestWhatAProgramHidesIsDeniedAndNamed(t *testing.T) {
	t.Parallel()
	shell, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("there is no bash, which can connect")
	}
	granted, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer granted.Close()
	port := granted.Addr().(*net.TCPAddr).Port
	other, err := net.Listen("tcp", fmt.Sprintf("127.0.0.2:%d", port))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	var log watchtest.Log
	d := modgw.Descriptor{
		Name: "connects", Root: t.TempDir(), Sandbox: &modgw.Sandbox{Network: []modgw.Endpoint{{Host: "127.0.0.1", Port: uint16(port)}}},
	}
	logger := slog.New(slog.NewTextHandler(&log, nil))
	s := NewSandbox(modgw.RunnerConfig{Descriptor: d, Environment: &modgw.Environment{}, Log: logger}, nil)
	scope := NewScope(d, s, logger)
	defer scope.Kill()
	if !s.filtered.Load() {
		t.Skip("this process cannot filter addresses")
	}
	connect := func(address string) string {
		return fmt.Sprintf("(exec 3<>/dev/tcp/%s/%d) 2>/dev/null && echo %[1]s", address, port)
	}
	var reached strings.Builder
	spec := proc.Spec{
		Path: shell, Args: []string{"-c", connect("127.0.0.1") + "; " + connect("127.0.0.2") + "; exec unshare -m true 2>/dev/null"}, Env: []string{"PATH=/usr/bin:/bin"}, Dir: d.Root,
		Scope: scope, Output: proc.Output{Line: func(line proc.Line) { reached.WriteString(line.Text) }},
	}
	if err := s.Confine(&spec, []string{filepath.Clean(shell)}); err != nil {
		t.Fatal(err)
	}
	p, err := proc.Start(spec)
	if err != nil {
		t.Fatal(err)
	}
	<-p.Done()
	if reached.String() != "127.0.0.1" {
		t.Errorf("reached %q", reached.String())
	}
	want := fmt.Sprintf(`network = [\"127.0.0.2:%d\"]`, port)
	watchtest.Eventually(t, "the denial is named", func() bool { return log.Has(want) })
	if kernelaudit.Probe() == kernelaudit.Nothing {
		t.Skip("the kernel reports no system calls")
	}
	watchtest.Eventually(t, "the call is named", func() bool { return log.Has(`what="the system call unshare"`) })
	if n := s.denials.total()["calls"]; n != 1 {
		t.Errorf("%d calls were counted", n)
	}
}
