package tests

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// leaving is an app that starts programs in their own sessions and does not wait for them: /leave
// starts one that runs for ever, /orphan starts one that soon ends.
const leaving = `
import os, subprocess
ROOT = os.path.dirname(os.path.abspath(__file__))
def application(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/leave":
        subprocess.Popen(["setsid", "sh", "-c", "echo $$ >> %s/left; exec sleep 3600 >/dev/null 2>&1" % ROOT])
    if path == "/orphan":
        subprocess.call(["sh", "-c", "setsid sh -c 'sleep 0.1; echo done >> %s/orphans' >/dev/null 2>&1 &" % ROOT])
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"v1"]
`

func (s *site) writeLeaving() {
	s.write("apps/left/modgw.hcl", `
		app "left" {
		  wsgi {
		    entry   = "app.py"
		    workers = 1
		  }
		}
	`)
	s.write("apps/left/app.py", leaving)
}

// left returns the PIDs of the processes that the app has left behind.
func (s *site) left() (pids []int) {
	text, _ := os.ReadFile(s.path("apps/left/left")) // without the file, there are none
	for field := range strings.FieldsSeq(string(text)) {
		if pid, err := strconv.Atoi(field); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

func isAlive(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !strings.Contains(string(text), ") Z ")
}

func TestWhatAnAppLeavesBehindEndsWithItsGeneration(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.writeLeaving()
	s.start()
	for version := 1; version <= 3; version++ { // workers of the later ones are forked
		want := fmt.Sprintf("v%d", version)
		s.eventually("generation", func() bool { _, body := s.get("/"); return body == want })
		s.get("/leave")
		s.eventually("what is left", func() bool { return len(s.left()) == version })
		pid := s.left()[version-1]
		s.eventually("program", func() bool { return isAlive(pid) })
		s.write("apps/left/app.py", strings.Replace(leaving, "v1", fmt.Sprintf("v%d", version+1), 1))
		s.eventually("end of what was left", func() bool { return !isAlive(pid) })
	}
}

func TestFirstProcessOfAContainerReapsOrphans(t *testing.T) {
	t.Parallel()
	if err := exec.Command("unshare", "--pid", "--fork", "--mount-proc", "true").Run(); err != nil {
		t.Skip("there can be no process namespace here: ", err)
	}
	s := newSite(t)
	s.writeLeaving()
	s.within = []string{"unshare", "--pid", "--fork", "--mount-proc", "--kill-child=SIGTERM"}
	s.start()
	const orphans = 5
	for range orphans {
		if status, body := s.get("/orphan"); status != 200 {
			t.Fatalf("got %d %q", status, body)
		}
	}
	s.eventually("end of the orphans", func() bool {
		text, _ := os.ReadFile(s.path("apps/left/orphans"))
		return strings.Count(string(text), "done") == orphans
	})
	s.eventually("zombies are gone", func() bool { return !slices.ContainsFunc(descendants(s.pid), isZombie) })
	// A signal to the first process reaches the host.
	first := descendants(s.pid)[0]
	if err := syscall.Kill(first, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	s.eventually("the host has ended in order", func() bool { return strings.Contains(s.log.String(), " stopped") })
}

func isZombie(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && strings.Contains(string(text), ") Z ")
}
