package tests

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/coder/websocket"
)

// gatedApp is an app that is not loaded before the file "go" exists.
const gatedApp = `
import os, time
here = os.path.dirname(__file__)
open(os.path.join(here, "began"), "w").close()
while not os.path.exists(os.path.join(here, "go")):
    time.sleep(0.01)
`

// TestHostKilledDuringAnUpgradeLeavesNothing kills either host with SIGKILL, before the new one
// serves and while the old one still has a WebSocket.
func TestHostKilledDuringAnUpgradeLeavesNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.shareLog("first.log")
	s.write("apps/echo/modgw.hcl", "app \"echo\" {\n  asgi {\n    entry = \"./app.py\"\n    workers = 1\n  }\n}\n")
	s.write("apps/echo/app.py", echoApp)
	s.write("apps/gated/modgw.hcl", `app "gated" {
  mount    = "/gated"
  env_file = "variables"
  wsgi {
    entry   = "./app.wsgi"
    workers = 1
  }
  reload { mode = "off" }
}
`)
	s.write("apps/gated/variables", "VALUE=one\n")
	s.write("apps/gated/app.wsgi", gatedApp+wsgiApp("the gated one"))
	s.write("apps/gated/go", "")
	first := s.startLogged(s.stderr.Name())
	s.wantAt("any.test", "/gated/", "the gated one")
	pids := s.workers()

	// The new host, before it serves: it waits for an app that starts in another way than now.
	u := s.beginUpgrade("two")
	u.kill(u.host)
	if out := <-u.out; !strings.Contains(out, "MGW-HST-029") && !strings.Contains(out, "MGW-HST-030") {
		t.Errorf("the upgrade says: %s", out)
	}
	s.haveEnded("what the new host has started", u.newcomers)
	if now := s.workers(); fmt.Sprint(now) != fmt.Sprint(pids) {
		t.Errorf("workers after it: %v, before %v", now, pids)
	}
	s.wantAt("any.test", "/gated/", "the gated one")

	// The old host, while it has a WebSocket.
	s.write("apps/gated/go", "")
	conn := s.dial(t, "/")
	s.mustRun("upgrade", "-c", "modgw.hcl")
	second := s.hostStatus().PID
	defer s.endAnyway(second)
	before := s.workers()
	u.kill(s.pid)
	<-first
	first <- nil // it was to be
	if _, _, err := conn.Read(t.Context()); err == nil {
		t.Error("the WebSocket goes on")
	}
	s.eventually("no other host is left", func() bool { return s.hostStatus().Upgrade.Draining == 0 })
	if now := s.workers(); fmt.Sprint(now) != fmt.Sprint(before) || now["echo"] != pids["echo"] {
		t.Errorf("workers of the second host: %v, before %v and %v", now, before, pids)
	}
	s.wantAt("any.test", "/gated/", "the gated one")

	// The new host, while the old one has a WebSocket: it has the place of the old one by then.
	conn = s.dial(t, "/")
	s.mustRun("upgrade", "-c", "modgw.hcl")
	third := s.hostStatus().PID
	defer s.endAnyway(third)
	all := []int{second, third}
	for _, pid := range s.workers() {
		all = append(all, pid)
	}
	u.kill(third)
	if _, _, err := conn.Read(t.Context()); websocket.CloseStatus(err) == -1 {
		t.Errorf("the WebSocket ended with %v", err)
	}
	s.haveEnded("the second and the third host, with their workers", all)

	// The old host, before the new one serves.
	s.shareLog("second.log")
	last := s.startLogged(s.stderr.Name())
	u = s.beginUpgrade("three")
	all = append(descendants(s.pid), u.newcomers...)
	u.kill(s.pid)
	<-last
	last <- nil
	<-u.out
	s.haveEnded("both hosts, with their workers", all)
	if response, err := http.Get(s.url + "/"); err == nil {
		response.Body.Close()
		t.Error("the listener is open still")
	}
}

// shareLog makes the log file of the hosts that are started from now on, which share it.
func (s *site) shareLog(name string) {
	s.t.Helper()
	log, err := os.Create(s.path(name))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { log.Close() })
	s.stderr = log
}

// begunUpgrade is an upgrade whose new host waits for the gated app.
type begunUpgrade struct {
	site      *site
	host      int         // process id of the new host
	newcomers []int       // process IDs of the new host and of the processes that it has started
	out       chan string // receives the output of the command
}

// beginUpgrade begins an upgrade to a host that starts the gated app with another value, which the
// running host does not read.
func (s *site) beginUpgrade(value string) begunUpgrade {
	s.t.Helper()
	for _, name := range []string{"apps/gated/go", "apps/gated/began"} {
		if err := os.Remove(s.path(name)); err != nil {
			s.t.Fatal(err)
		}
	}
	s.write("apps/gated/variables", "VALUE="+value+"\n")
	before := descendants(s.pid)
	u := begunUpgrade{site: s, out: make(chan string, 1)}
	go func() {
		out, _ := s.run("upgrade", "-c", "modgw.hcl")
		u.out <- out
	}()
	s.eventually("the new host starts the gated app", func() bool {
		_, err := os.Stat(s.path("apps/gated/began"))
		return err == nil
	})
	for _, pid := range descendants(s.pid) {
		if !slices.Contains(before, pid) && isHost(pid) {
			u.host = pid
		}
	}
	if u.host == 0 {
		s.t.Fatal("there is no new host")
	}
	u.newcomers = append(descendants(u.host), u.host)
	return u
}

func (u begunUpgrade) kill(pid int) {
	u.site.t.Helper()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		u.site.t.Fatal(err)
	}
}

// haveEnded waits until processes have ended.
func (s *site) haveEnded(what string, pids []int) {
	s.t.Helper()
	s.eventually(what+" have ended", func() bool {
		return !slices.ContainsFunc(pids, func(pid int) bool { return !hasEnded(pid) })
	})
}

// endAnyway ends a host that a failed test has left.
func (s *site) endAnyway(pid int) {
	if isHost(pid) {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}

// isHost reports whether a process is a host.
func isHost(pid int) bool {
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return err == nil && strings.HasPrefix(string(line), program+"\x00serve")
}
