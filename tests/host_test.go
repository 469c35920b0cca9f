package tests

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/modgw/modgw/internal/fronttest"
	"github.com/modgw/modgw/internal/watchtest"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/control"
)

// site is a folder with a host file, descriptors and apps, and the host that runs them.
type site struct {
	t   *testing.T
	dir string // everyone may enter it
	url string // address of the HTTP listener, without a slash at its end
	pid int
	log *output

	passed []*os.File // listening sockets for the host, from descriptor 3 on
	names  []string   // theirs
	stdin  *os.File   // standard input of the host; nil: it is empty
	// standard error of the host; nil: log receives it. Otherwise the test copies to log the parts
	// that it needs
	stderr *os.File
	within []string // a command that runs the host; empty: it runs by itself

	program string // a copy of the program under test; "": that itself

	firstStart bool // the host begins with an empty state folder
}

// newSite creates a folder whose apps are in apps, one folder each with its descriptor modgw.hcl.
// The listeners are an HTTP port and the Unix socket fcgi.sock, which everyone may open.
func newSite(t *testing.T) *site {
	s := &site{t: t, dir: fronttest.Dir(t), log: &output{}}
	s.write("modgw.hcl", `
		apps  = ["apps/*/modgw.hcl"]
		state = "state"
		listen "http" { address = "127.0.0.1:0" }
		listen "fastcgi" {
		  address = "unix:`+s.dir+`/fcgi.sock"
		  mode    = "0666"
		}
		defaults {
		  reload { settle = "50ms" }
		}
	`)
	return s
}

func (s *site) path(name string) string { return filepath.Join(s.dir, name) }

// write writes a file as editors do that save atomically, and keeps its permissions.
func (s *site) write(name, text string) {
	s.t.Helper()
	path := s.path(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		s.t.Fatal(err)
	}
	mode := os.FileMode(0o644)
	if info, err := os.Stat(path); err == nil {
		mode = info.Mode()
	}
	if err := os.WriteFile(path+"~", []byte(text), mode); err != nil {
		s.t.Fatal(err)
	}
	if err := os.Rename(path+"~", path); err != nil {
		s.t.Fatal(err)
	}
}

// start runs the host until the test ends, and waits until it is ready.
func (s *site) start(environ ...string) {
	s.t.Helper()
	s.spawn(environ, "serve", "-c", s.path("modgw.hcl"))
}

var readyLine = regexp.MustCompile(`ready apps=\d+ failed=\d+ (?:.* )?http=(\S+)`)

// spawn runs modgw-host until the test ends, and waits until it logs that it is ready and at which
// address it serves HTTP.
func (s *site) spawn(environ []string, args ...string) {
	s.t.Helper()
	s.url = "http://" + s.spawnUntil(readyLine, environ, args...)
}

// spawnUntil is like spawn, but waits for another line of the log. It returns the text that matches
// the pattern's group.
func (s *site) spawnUntil(ready *regexp.Regexp, environ []string, args ...string) (found string) {
	s.t.Helper()
	ended := s.launch(environ, args...)
	s.eventually("the host is ready", func() bool {
		select {
		case err := <-ended:
			ended <- err
			s.t.Fatalf("the host ended: %v\n%s", err, s.log)
		default:
		}
		match := ready.FindStringSubmatch(s.log.String())
		if match != nil {
			found = match[1]
		}
		return match != nil
	})
	return found
}

// launch is like spawn, but does not wait. The returned channel receives the result of the host.
func (s *site) launch(environ []string, args ...string) (ended chan error) {
	s.t.Helper()
	s.linkUsedState()
	line := append(append(slices.Clone(s.within), cmp.Or(s.program, program)), args...)
	cmd := exec.Command(line[0], line[1:]...)
	cmd.Dir = s.dir
	cmd.ExtraFiles = s.passed
	cmd.Env = append(os.Environ(), environ...)
	cmd.Stdout, cmd.Stderr = s.log, s.log
	if s.stderr != nil {
		cmd.Stdout, cmd.Stderr = s.stderr, s.stderr
	}
	if s.stdin != nil {
		cmd.Stdin = s.stdin
	}
	cmd.WaitDelay = 10 * time.Second
	// it ends with tests that are killed
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.pid = cmd.Process.Pid
	ended = make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	s.t.Cleanup(func() { s.end(cmd, ended) })
	return ended
}

// end asks the host to end, and checks that it ends in order and leaves no process behind.
func (s *site) end(cmd *exec.Cmd, ended chan error) {
	children := descendants(cmd.Process.Pid)
	_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended by itself
	select {
	case err := <-ended:
		if err != nil {
			s.t.Errorf("the host ended with %v", err)
		}
	case <-time.After(watchtest.Patience):
		_ = cmd.Process.Kill()
		s.t.Error("the host did not end when it was asked to")
	}
	for _, pid := range children {
		s.eventually(fmt.Sprintf("process %d has ended", pid), func() bool { return syscall.Kill(pid, 0) != nil })
	}
	if strings.Contains(s.log.String(), "DATA RACE") {
		s.t.Error("the host has a data race")
	}
	if s.t.Failed() {
		s.t.Logf("log of the host:\n%s", s.log)
	}
}

// descendants returns the descendants of a process.
func descendants(pid int) []int {
	var all []int
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, task := range tasks {
		text, err := os.ReadFile(task)
		if err != nil {
			continue
		}
		for _, field := range strings.Fields(string(text)) {
			var child int
			if _, err := fmt.Sscan(field, &child); err == nil {
				all = append(append(all, child), descendants(child)...)
			}
		}
	}
	return all
}

// run runs a command of modgw-host for this site. It returns the output, and whether the command
// succeeded.
func (s *site) run(args ...string) (string, bool) { return s.runWithin(nil, args...) }

// runWithin is like run, by way of another command.
func (s *site) runWithin(command []string, args ...string) (string, bool) {
	line := append(append(slices.Clone(command), cmp.Or(s.program, program)), args...)
	cmd := exec.Command(line[0], line[1:]...)
	cmd.Dir = s.dir
	out, err := cmd.CombinedOutput()
	return string(out), err == nil
}

// mustRun is like run, for a command that has to succeed.
func (s *site) mustRun(args ...string) string {
	s.t.Helper()
	out, ok := s.run(args...)
	if !ok {
		s.t.Fatalf("modgw-host %s failed:\n%s", strings.Join(args, " "), out)
	}
	return out
}

// status returns the status of an app, as "modgw-host status APP --json" prints it.
func (s *site) status(app string) control.AppStatus {
	s.t.Helper()
	status, err := control.NewClient(modgw.Address("unix:" + s.path("state/control.sock"))).Status(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	for _, a := range status.Apps {
		if string(a.App) == app {
			return a
		}
	}
	s.t.Fatalf("the host does not know the app %q", app)
	return control.AppStatus{}
}

// get sends a request directly to the host.
func (s *site) get(path string) (int, string) {
	s.t.Helper()
	return get(s.t, s.url+path)
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatalf("GET %s: %v", url, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatalf("GET %s: %v", url, err)
	}
	return response.StatusCode, string(body)
}

// eventually waits until a condition holds. It looks less often the longer it waits, because
// looking takes processor time from the host and its apps.
func (s *site) eventually(what string, holds func() bool) {
	s.t.Helper()
	deadline := time.Now().Add(watchtest.Patience)
	for pause := 10 * time.Millisecond; !holds(); pause = min(pause*5/4, 100*time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("never: %s\n%s", what, s.log)
		}
		time.Sleep(pause)
	}
}

// output collects the output of a process.
type output struct {
	mu   sync.Mutex
	text strings.Builder
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}
