package proc

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/modgw/modgw/internal/cgroup"
	"github.com/modgw/modgw/internal/kernelaudit"
	"github.com/modgw/modgw/internal/sandbox"
	"github.com/modgw/modgw/internal/sandbox/learn"
	"github.com/modgw/modgw/internal/watchtest"
)

// attackVariable is the environment variable that makes the test program a confined process, and
// lists its targets.
const attackVariable = "MODGW_TEST_ATTACK"

func init() {
	switch args := os.Getenv(attackVariable); args {
	case "":
	case "stay":
		_ = unix.Unshare(unix.CLONE_NEWNS) // it is denied
		time.Sleep(time.Hour)
	default:
		attack(strings.Split(args, " "))
		os.Exit(0)
	}
}

// attack tries actions that a sandbox should deny, and a few that it should allow, and prints the
// result of each.
func attack(args []string) {
	folder, pid, open, closed, abstract := args[0], args[1], args[2], args[3], args[4]
	other, _ := strconv.Atoi(pid)
	say := func(what string, err error) {
		answer := "done"
		if errno, ok := errors.AsType[syscall.Errno](err); ok {
			answer = unix.ErrnoName(errno)
		} else if err != nil {
			answer = err.Error()
		}
		fmt.Printf("%s: %s\n", what, answer)
	}
	read := func(path string) error { _, err := os.ReadFile(path); return err }
	dial := func(network, address string) error {
		conn, err := net.Dial(network, address)
		if err == nil {
			conn.Close()
		}
		return err
	}
	say("read what is granted", read(filepath.Join(folder, "read", "file")))
	say("change what may be read", os.WriteFile(filepath.Join(folder, "read", "file"), nil, 0))
	say("change what is granted", os.WriteFile(filepath.Join(folder, "write", "new"), nil, 0o600))
	say("move out of it", os.Rename(filepath.Join(folder, "write", "new"), filepath.Join(folder, "new")))
	say("read what is not granted", read(filepath.Join(folder, "secret")))
	say("read by a link that is granted", read(filepath.Join(folder, "link")))
	say("connect to a granted port", dial("tcp", "127.0.0.1:"+open))
	say("connect to another port", dial("tcp", "127.0.0.1:"+closed))
	say("connect to an abstract socket", dial("unix", "@"+abstract))
	l, err := net.Listen("tcp", "127.0.0.1:1023")
	say("listen on a port", err)
	if err == nil {
		l.Close()
	}
	_, err = unix.Socket(unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_ICMP)
	say("send packets", err)
	say("signal another process", syscall.Kill(other, 0))
	say("signal all processes", syscall.Kill(-1, 0))
	say("trace another process", syscall.PtraceAttach(other))
	say("read the memory of another process", read("/proc/"+pid+"/environ"))
	say("make a namespace", unix.Unshare(unix.CLONE_NEWUSER))
	say("mount", unix.Mount("tmpfs", folder, "tmpfs", 0, ""))
	status, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(status)) {
		if name, value, _ := strings.Cut(line, ":\t"); slices.Contains([]string{"CapPrm", "CapBnd", "CapAmb", "NoNewPrivs"}, name) {
			fmt.Printf("%s: %s\n", name, strings.TrimSpace(value))
		}
	}
}

// TestConfinedProcessDoesWhatItsRulesSay runs a process that attacks its surroundings.
func TestConfinedProcessDoesWhatItsRulesSay(t *testing.T) {
	t.Parallel()
	means := sandbox.Probe()
	if !means.Scopes() || !means.Filter {
		t.Skip("the kernel has not all means")
	}
	folder := t.TempDir()
	for _, name := range []string{"read", "write"} {
		if err := os.Mkdir(filepath.Join(folder, name), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"read/file", "secret"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte("text"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("secret", filepath.Join(folder, "link")); err != nil {
		t.Fatal(err)
	}
	open, closed := listenOn(t, "tcp", "127.0.0.1:0"), listenOn(t, "tcp", "127.0.0.1:0")
	abstract := "modgw-test-" + strconv.Itoa(os.Getpid())
	listenOn(t, "unix", "@"+abstract)
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	victim, _ := sh(t, "exec sleep 1000")
	port := open.(*net.TCPAddr).Port
	rules := &sandbox.Rules{
		Means: means, Network: sandbox.Listed, Connect: []uint16{uint16(port)},
		Grants: []sandbox.Grant{
			{Path: program}, {Path: "/usr"}, {Path: "/lib"}, {Path: "/lib64"}, {Path: "/etc"}, {Path: "/proc"}, {Path: "/sys"},
			{Path: "/dev/null", Write: true}, {Path: filepath.Join(folder, "read")}, {Path: filepath.Join(folder, "write"), Write: true},
			{Path: filepath.Join(folder, "link"), Within: []string{filepath.Join(folder, "read")}},
			{Path: filepath.Join(folder, "is not there")},
		},
	}
	var misled []sandbox.Misled
	rules.Misled = func(m sandbox.Misled) { misled = append(misled, m) }
	args := fmt.Sprintf("%s %d %d %d %s", folder, victim.PID(), port, closed.(*net.TCPAddr).Port, abstract)
	scope, _ := NewScope("", cgroup.Limits{})
	defer scope.Kill()
	reported, err := collectDenials(scope)
	if err != nil {
		t.Log("the kernel reports no denials: ", err)
	}
	p, out := sh(t, "", func(s *Spec) {
		s.Path, s.Args, s.Env, s.Sandbox, s.Scope = program, nil, []string{attackVariable + "=" + args}, rules, scope
	})
	<-p.Done()
	link := sandbox.Misled{Path: filepath.Join(folder, "link"), Leads: filepath.Join(folder, "secret")}
	if !slices.Equal(misled, []sandbox.Misled{link}) {
		t.Errorf("grants that lead elsewhere: %+v", misled)
	}
	want := []string{
		"read what is granted: done", "change what may be read: EACCES", "change what is granted: done", "move out of it: EACCES",
		"read what is not granted: EACCES", "read by a link that is granted: EACCES", "connect to a granted port: done",
		"connect to another port: EACCES", "connect to an abstract socket: EPERM", "listen on a port: EACCES", "send packets: EPERM",
		"signal another process: EPERM", "trace another process: EPERM", "read the memory of another process: EACCES",
		"make a namespace: EPERM", "mount: EPERM", "signal all processes: EPERM", "CapPrm: 0000000000000000", "NoNewPrivs: 1", "CapAmb: 0000000000000000",
	}
	if means.Mounts { // it does not see the other process
		want[13] = "read the memory of another process: ENOENT"
	}
	if os.Geteuid() == 0 {
		want = append(want, "CapBnd: 0000000000000000")
	}
	for _, line := range want {
		if !strings.Contains(out.text("stdout"), line+"|") {
			t.Errorf("no line %q", line)
		}
	}
	if t.Failed() {
		t.Log(out.text("stdout"), out.text("stderr"))
	}
	if err != nil {
		return
	}
	for _, call := range []uintptr{unix.SYS_PTRACE, unix.SYS_UNSHARE, unix.SYS_MOUNT} {
		watchtest.Eventually(t, "report of a call that was denied", func() bool {
			return reported(kernelaudit.Denial{PID: p.PID(), Kind: kernelaudit.Call, Call: call})
		})
	}
	if kernelaudit.Probe() == kernelaudit.All && means.LogsDenials() {
		watchtest.Eventually(t, "report of a file that was denied", func() bool {
			return reported(kernelaudit.Denial{PID: p.PID(), Path: filepath.Join(folder, "secret")})
		})
	}
}

// collectDenials collects the denials of a scope.
func collectDenials(scope *Scope) (reported func(kernelaudit.Denial) bool, err error) {
	var mu sync.Mutex
	all := map[kernelaudit.Denial]bool{}
	err = scope.ReportDenials(func(d kernelaudit.Denial) {
		mu.Lock()
		defer mu.Unlock()
		d.PID, d.Owner, d.Domain = cmp.Or(d.PID, d.Owner), 0, 0
		all[d] = true
	})
	return func(d kernelaudit.Denial) bool {
		mu.Lock()
		defer mu.Unlock()
		return all[d]
	}, err
}

// TestDenialsAreReportedToTheScopeThatTheyAreOf has a child of a process denied one access, and a
// process of another scope denied another one.
func TestDenialsAreReportedToTheScopeThatTheyAreOf(t *testing.T) {
	t.Parallel()
	means := sandbox.Probe()
	rules := &sandbox.Rules{Means: sandbox.Means{Filter: means.Filter}, Network: sandbox.Open}
	all := scopes(t)
	first, second := all["cgroup"], all["mark"]
	if first == nil || !means.Filter {
		t.Skip("there are no control groups or no filters here")
	}
	defer first.Kill()
	defer second.Kill()
	ofFirst, err := collectDenials(first)
	if err != nil {
		t.Skip("the kernel reports no denials: ", err)
	}
	ofSecond, err := collectDenials(second)
	if err != nil {
		t.Fatal(err)
	}
	ofCall := func(pid int) kernelaudit.Denial {
		return kernelaudit.Denial{PID: pid, Kind: kernelaudit.Call, Call: unix.SYS_UNSHARE}
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	_, out := sh(t, program+" & echo $!; wait", func(s *Spec) {
		s.Sandbox, s.Scope, s.Env = rules, first, []string{attackVariable + "=stay"}
	})
	watchtest.Eventually(t, "child", func() bool { return strings.HasSuffix(out.text("stdout"), "|") })
	child, err := strconv.Atoi(strings.Trim(out.text("stdout"), "|"))
	if err != nil {
		t.Fatal(err)
	}
	other, _ := sh(t, "exec unshare -m true", func(s *Spec) { s.Sandbox, s.Scope = rules, second })
	watchtest.Eventually(t, "report of the child", func() bool { return ofFirst(ofCall(child)) })
	watchtest.Eventually(t, "report of the other", func() bool { return ofSecond(ofCall(other.PID())) })
	if ofFirst(ofCall(other.PID())) || ofSecond(ofCall(child)) {
		t.Error("a denial was reported to another scope")
	}
}

// listenOn listens until the test ends.
func listenOn(t *testing.T, network, address string) net.Addr {
	t.Helper()
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.Addr()
}

// TestConfinedProcessHasItsOwnTemporaryFilesAndProcesses has a confined process look for the files
// and processes of others.
func TestConfinedProcessHasItsOwnTemporaryFilesAndProcesses(t *testing.T) {
	t.Parallel()
	means := sandbox.Probe()
	if !means.Mounts || means.Landlock == 0 {
		t.Skip("this process cannot make mounts")
	}
	own, err := os.MkdirTemp("/var", "modgw-test-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(own)
	others, err := os.CreateTemp("/tmp", "modgw-test-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.Remove(others.Name())
	defer others.Close()
	rules := &sandbox.Rules{Means: means, Temporary: own, Grants: []sandbox.Grant{
		{Path: "/usr"}, {Path: "/bin"}, {Path: "/lib"}, {Path: "/lib64"}, {Path: "/etc"}, {Path: "/proc"}, {Path: "/tmp", Write: true},
	}}
	script := fmt.Sprintf("ls /tmp; echo mine > /tmp/mine; test -d /proc/%d || echo alone; test -d /proc/$$ && echo self", os.Getpid())
	p, out := sh(t, script, func(s *Spec) { s.Sandbox = rules })
	<-p.Done()
	if got := out.text("stdout"); got != "alone|self|" {
		t.Errorf("%q %s", got, out.text("stderr"))
	}
	if text, err := os.ReadFile(filepath.Join(own, "mine")); err != nil || string(text) != "mine\n" {
		t.Errorf("%q %v", text, err)
	}
}

func TestProgramThatCannotBeConfinedDoesNotRun(t *testing.T) {
	t.Parallel()
	rules := &sandbox.Rules{Means: sandbox.Means{Mounts: true}, Temporary: "/is/not/there"}
	_, err := Start(Spec{Path: "/bin/true", Sandbox: rules})
	if failed, ok := errors.AsType[*sandbox.Error](err); !ok || !strings.Contains(failed.Step, "mount") {
		t.Errorf("%v is no *sandbox.Error about a mount", err)
	}
}

// TestLearningProcessDoesEverythingAndIsReported has a shell open, create and remove files.
func TestLearningProcessDoesEverythingAndIsReported(t *testing.T) {
	t.Parallel()
	means := sandbox.Probe()
	if !means.Filter {
		t.Skip("the kernel has no filters of system calls")
	}
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "file"), []byte("text\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var watching sync.WaitGroup
	var mu sync.Mutex
	used := map[learn.Use]bool{}
	rules := &sandbox.Rules{Learn: true, Means: sandbox.Means{Filter: true}, Watch: func(listener *os.File) {
		watching.Go(func() {
			learn.Watch(listener, func(use learn.Use) {
				mu.Lock()
				defer mu.Unlock()
				used[use] = true
			})
		})
	}}
	const script = "cat file; echo more > new; echo more >> file; mkdir made/; mv new made/; cat missing 2> /dev/null; echo done"
	p, out := sh(t, script, func(s *Spec) { s.Sandbox, s.Dir = rules, folder })
	<-p.Done()
	watching.Wait()
	if got := out.text("stdout"); got != "text|done|" {
		t.Errorf("%q %s", got, out.text("stderr"))
	}
	in := func(name string) string { return filepath.Join(folder, name) }
	for _, want := range []learn.Use{
		{Path: in("file")}, {Path: in("file"), Write: true}, {Path: folder, Write: true}, {Path: in("made"), Write: true}, {Path: "/usr/bin/cat"},
	} {
		if !used[want] {
			t.Errorf("%+v was not reported", want)
		}
	}
	if used[learn.Use{Path: in("missing")}] {
		t.Error("a file that is not there was reported")
	}
}
