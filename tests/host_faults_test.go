package tests

import (
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/modgw/modgw/internal/watchtest"
)

// pressure is a set of clients that send requests again and again, each on a new connection.
type pressure struct {
	answered atomic.Int64
	group    sync.WaitGroup
	stop     chan struct{}

	mu   sync.Mutex
	lost []string // neither answered with 200 nor refused because no process listened
}

// press starts n clients that ask for a path until end is called, or until no process listens any
// more.
func (s *site) press(n int, path string) *pressure {
	p := &pressure{stop: make(chan struct{})}
	client := &http.Client{Timeout: watchtest.Patience, Transport: &http.Transport{DisableKeepAlives: true}}
	for range n {
		p.group.Go(func() {
			for p.ask(client, s.url+path) {
				select {
				case <-p.stop:
					return
				case <-time.After(3 * time.Millisecond): // the load, not the wait for anything
				}
			}
		})
	}
	return p
}

// ask reports false when no process listened.
func (p *pressure) ask(client *http.Client, url string) bool {
	response, err := client.Get(url)
	if err == nil {
		var body []byte
		body, err = io.ReadAll(response.Body)
		response.Body.Close()
		if err == nil && response.StatusCode != 200 {
			err = fmt.Errorf("status %d: %s", response.StatusCode, body)
		}
	}
	if err == nil {
		p.answered.Add(1)
		return true
	}
	if strings.Contains(err.Error(), "connection refused") {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lost = append(p.lost, err.Error())
	return true
}

// end waits for the clients, and fails the test when a request was lost.
func (p *pressure) end(t *testing.T) {
	t.Helper()
	close(p.stop)
	p.group.Wait()
	for _, lost := range p.lost {
		t.Error(lost)
	}
	t.Logf("%d requests were answered", p.answered.Load())
}

func (s *site) awaitAnswers(p *pressure, more int64) {
	s.t.Helper()
	before := p.answered.Load()
	s.eventually("requests are answered", func() bool { return p.answered.Load() >= before+more })
}

// slowApp has a slow path.
const slowApp = `
import time

def application(environ, start_response):
    if environ["PATH_INFO"] == "/slow":
        open("slow", "w").close()
        time.sleep(2)
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "2")])
    return [b"ok"]
`

func newSlowSite(t *testing.T) *site {
	s := newSite(t)
	s.write("apps/one/app.py", slowApp)
	s.write("apps/one/modgw.hcl", mounted("one", "/"))
	return s
}

func TestF38EndingUnderLoadCompletesWhatWasBegun(t *testing.T) {
	t.Parallel()
	s := newSlowSite(t)
	s.start()
	p := s.press(4, "/")
	s.awaitAnswers(p, 20)
	slow := make(chan string)
	go func() {
		response, err := impatient.Get(s.url + "/slow")
		if err != nil {
			slow <- err.Error()
			return
		}
		defer response.Body.Close()
		slow <- response.Status
	}()
	s.eventually("the slow request has begun", func() bool { return exists(s.path("apps/one/slow")) })
	if err := syscall.Kill(s.pid, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if status := <-slow; status != "200 OK" {
		t.Errorf("the slow request ended with %s", status)
	}
	p.end(t)
	// With another status than 0 the site's clean-up fails.
	s.eventually("the host has ended", func() bool { return syscall.Kill(s.pid, 0) != nil })
}

func TestF39SIGHUPsUnderLoadLoseNothingAndLeaveNothing(t *testing.T) {
	t.Parallel()
	s := newSlowSite(t)
	s.start()
	p := s.press(2, "/")
	hangUp := func(times int) {
		for range times {
			if err := syscall.Kill(s.pid, syscall.SIGHUP); err != nil {
				t.Fatal(err)
			}
			s.awaitAnswers(p, 2)
		}
		before := s.status("one").Generation.Number
		s.mustRun("reload", "one", "-c", "modgw.hcl")
		s.eventually("the last generation serves alone", func() bool {
			status := s.status("one")
			return status.Generation.Number > before && len(status.Draining) == 0
		})
	}
	s.awaitTemplate()
	hangUp(10) // one-time allocations are done by then
	files, children := openFiles(t, s.pid), len(descendants(s.pid))
	hangUp(40)
	p.end(t)
	s.eventually("as many files are open, and as many processes run, as before", func() bool {
		return openFiles(t, s.pid) <= files && len(descendants(s.pid)) <= children
	})
}

// awaitTemplate waits for the last process that the host starts for a Python app by itself.
func (s *site) awaitTemplate() {
	s.t.Helper()
	s.eventually("a template is ready", func() bool { return strings.Contains(s.log.String(), "template ready") })
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func openFiles(t *testing.T, pid int) int {
	t.Helper()
	files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		t.Fatal(err)
	}
	return len(files)
}

func TestF43WithoutFileDescriptorsAcceptingBacksOffAndGoesOnByItself(t *testing.T) {
	t.Parallel()
	s := newSlowSite(t)
	s.write("modgw.hcl", strings.Replace(s.read("modgw.hcl"),
		`listen "http" { address = "127.0.0.1:0" }`, `listen "http" {
		  address         = "127.0.0.1:0"
		  max_connections = 1000
		}`, 1))
	s.within = []string{"prlimit", "--nofile=100", "--"}
	s.start()
	kept := &http.Client{Timeout: watchtest.Patience, Transport: &http.Transport{MaxConnsPerHost: 1}}
	defer kept.CloseIdleConnections()
	ask := func() (string, error) {
		response, err := kept.Get(s.url)
		if err != nil {
			return "", err
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		return string(body), err
	}
	if body, err := ask(); body != "ok" {
		t.Fatal(body, err)
	}
	var idle []net.Conn
	for range 150 {
		conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		idle = append(idle, conn)
	}
	s.eventually("accepting waits ever longer", func() bool {
		return regexp.MustCompile(`connection not accepted .*again_in=1s`).MatchString(s.log.String())
	})
	if n := strings.Count(s.log.String(), "connection not accepted"); n > 30 {
		t.Errorf("it was tried %d times, without a pause", n)
	}
	if body, err := ask(); body != "ok" {
		t.Errorf("a client that was there before got %q, %v", body, err)
	}
	for _, conn := range idle {
		conn.Close()
	}
	s.answers("/", 200)
}

func TestF49WithoutRightsAndCgroupsAppsAreServed(t *testing.T) {
	t.Parallel()
	s := newSlowSite(t)
	s.write("apps/one/modgw.hcl", `
		app "one" {
		  wsgi { entry = "app.py" }
		  limits {
		    memory    = "1GiB"
		    processes = 200
		    files     = 100
		  }
		}
	`)
	s.programForAll()
	s.sh("chown -R 65534:65534 .")
	s.within = []string{"unshare", "--mount", "sh", "-c", `
		mount -t tmpfs none /sys/fs/cgroup &&
		exec setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all -- "$@"`, "sh"}
	s.start("HOME="+s.dir, "TMPDIR="+s.path("tmp"))
	s.answers("/", 200)
	s.mustRun("reload", "one", "-c", "modgw.hcl")
	s.answers("/", 200)
	warnings := map[string]int{}
	for line := range strings.Lines(s.log.String()) {
		if _, warning, ok := strings.Cut(line, " ! "); ok {
			warnings[warning]++
		}
	}
	for warning, n := range warnings {
		if n > 1 {
			t.Errorf("said %d times: %s", n, warning)
		}
	}
}

func TestF50StateFilesThatAreBrokenAreMadeAgain(t *testing.T) {
	t.Parallel()
	s := newSlowSite(t)
	s.firstStart = true // these files are no other host's
	s.start()
	s.answers("/", 200)
	s.awaitTemplate()
	for name, spoil := range map[string]func(path string) error{
		"empty":   func(path string) error { return os.Truncate(path, 0) },
		"garbage": func(path string) error { return os.WriteFile(path, []byte("\x00{]garbage"), 0o600) },
		"half": func(path string) error {
			info, err := os.Stat(path)
			if err != nil {
				return err
			}
			return os.Truncate(path, info.Size()/2)
		},
	} {
		t.Run(name, func(t *testing.T) {
			again := *s
			again.t, again.log = t, &output{}
			_ = syscall.Kill(s.pid, syscall.SIGTERM) // each but the first has ended already
			s.eventually("the host has ended", func() bool { return syscall.Kill(s.pid, 0) != nil })
			var spoilt []string
			err := filepath.WalkDir(s.path("state"), func(path string, e fs.DirEntry, err error) error {
				switch {
				case err != nil:
					return err
				case e.IsDir() && (e.Name() == "lib" || e.Name() == "bin"): // of an environment
					return filepath.SkipDir
				case !e.Type().IsRegular():
					return nil
				}
				spoilt = append(spoilt, path)
				return spoil(path)
			})
			if err != nil || len(spoilt) == 0 {
				t.Fatal(spoilt, err)
			}
			t.Log(spoilt)
			again.start()
			again.answers("/", 200)
			again.mustRun("reload", "one", "-c", "modgw.hcl")
			again.answers("/", 200)
			s.pid = again.pid
		})
	}
}

// programForAll permits every user to execute the host.
func (s *site) programForAll() {
	s.t.Helper()
	if err := os.MkdirAll(s.path("tmp"), 0o777); err != nil {
		s.t.Fatal(err)
	}
	s.copyProgram()
	s.program = s.path("modgw-host")
}

// sh runs a command of the shell in the site's folder.
func (s *site) sh(command string) {
	s.t.Helper()
	cmd := exec.Command("sh", "-c", command)
	cmd.Dir = s.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		s.t.Fatalf("%s: %v\n%s", command, err, out)
	}
}

// read returns the text of a file of the site.
func (s *site) read(name string) string {
	s.t.Helper()
	text, err := os.ReadFile(s.path(name))
	if err != nil {
		s.t.Fatal(err)
	}
	return string(text)
}
