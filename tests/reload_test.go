package tests

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/modgw/modgw/internal/fronttest"
	"github.com/modgw/modgw/internal/wheeltest"
)

// countingApp records the ID of each request, and answers with the ID, its own version and the
// version of a package.
const countingApp = `
import os, greeting
VERSION = %q
LOG = os.open(os.path.join(os.path.dirname(__file__), "executed.txt"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

def application(environ, start_response):
    id = environ["QUERY_STRING"].partition("=")[2]
    if id:
        os.write(LOG, (id + "\n").encode())
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [("id=%%s version=%%s greeting=%%s" %% (id, VERSION, greeting.__version__)).encode()]
`

func TestF21ReloadBehindApacheLosesNoRequest(t *testing.T) {
	t.Parallel()
	for _, workers := range []int{1, 4} {
		t.Run(fmt.Sprintf("%d workers", workers), func(t *testing.T) { reloadBehindApache(t, workers) })
	}
}

func reloadBehindApache(t *testing.T, workers int) {
	s := newSite(t)
	wheels := fronttest.Dir(t)
	for _, version := range []string{"1.0", "2.0"} {
		wheeltest.Write(t, wheels, wheeltest.Package{Name: "greeting", Version: version})
	}
	s.write("apps/count/modgw.hcl", fmt.Sprintf(`
		app "count" {
		  mount = "/count"
		  wsgi {
		    entry   = "count.py"
		    workers = %d
		    threads = 4
		  }
		  python { requirements = ["requirements.txt"] }
		}
	`, workers))
	s.write("apps/count/requirements.txt", "greeting==1.0\n")
	s.write("apps/count/count.py", fmt.Sprintf(countingApp, "one"))
	s.start("PIP_NO_INDEX=1", "PIP_FIND_LINKS="+wheels, "UV_NO_INDEX=1", "UV_FIND_LINKS="+wheels)
	apache := fronttest.StartApache(t, s.apacheSite())
	url := apache.URL + "/count/"

	ctx, stop := context.WithCancel(t.Context())
	var asking sync.WaitGroup
	book := newLedger(url)
	asking.Go(func() { book.run(ctx) })
	defer func() {
		stop()
		asking.Wait()
		book.settle(t, s.path("apps/count/executed.txt"))
	}()
	// Between two events some more requests are answered.
	awaitAnswers := func() {
		n := book.answered()
		s.eventually("requests are answered", func() bool { return book.answered() >= n+ledgerRate/4 })
	}
	shows := func(text string) {
		t.Helper()
		s.eventually("the page shows "+text, func() bool {
			_, body := get(t, url)
			return strings.Contains(body, text)
		})
	}
	shows("version=one greeting=1.0")
	awaitAnswers()

	s.write("apps/count/count.py", fmt.Sprintf(countingApp, "two"))
	shows("version=two")
	awaitAnswers()

	s.write("apps/count/count.py", "def application(:\n")
	s.eventually("status names the SyntaxError's file and line", func() bool {
		f := s.status("count").Failure
		return f != nil && strings.Contains(f.Text, "SyntaxError") && strings.Contains(f.Text, "count.py") && strings.Contains(f.Text, "line 1")
	})
	awaitAnswers()
	shows("version=two")

	s.write("apps/count/count.py", fmt.Sprintf(countingApp, "three"))
	shows("version=three")
	if f := s.status("count").Failure; f != nil {
		t.Errorf("still failing after the fix: %+v", f)
	}

	s.write("apps/count/requirements.txt", "greeting==2.0\n")
	shows("greeting=2.0")
	awaitAnswers()

	s.mustRun("reload", "count", "-c", "modgw.hcl")
	awaitAnswers()

	before := s.status("count").Runner
	killed := before.Workers[0].PID
	if err := syscall.Kill(killed, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	s.eventually("the killed worker was replaced", func() bool {
		ready := 0
		for _, w := range s.status("count").Runner.Workers {
			if w.State == "ready" && w.PID != killed {
				ready++
			}
		}
		return ready == workers
	})
	awaitAnswers()
}

func TestF33EventStreamsDoNotHoldUpAReload(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write("apps/events/modgw.hcl", `
		app "events" {
		  wsgi {
		    entry   = "app.py"
		    workers = 1
		    threads = 4
		  }
		  timeouts {
		    request         = "100ms" # is not for streams
		    drain           = "1h"
		    websocket_drain = "200ms"
		  }
		}
	`)
	app := `
import itertools, time

def application(environ, start_response):
    if environ["PATH_INFO"] == "/version":
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"VERSION"]
    start_response("200 OK", [("Content-Type", "text/event-stream")])
    def events():
        for n in itertools.count():
            yield b"data: %d\n\n" % n
            time.sleep(0.05)
    return events()
`
	s.write("apps/events/app.py", strings.Replace(app, "VERSION", "one", 1))
	s.start()
	response, err := http.Get(s.url + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	events := bufio.NewReader(response.Body)
	for range 20 { // more than the time limit of a request
		if _, err := events.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	s.write("apps/events/app.py", strings.Replace(app, "VERSION", "two", 1))
	s.eventually("the new code answers", func() bool { _, body := s.get("/version"); return body == "two" })
	if _, err := io.Copy(io.Discard, events); err != nil {
		t.Errorf("the stream ended with %v, and not as a response does that is over", err)
	}
	s.eventually("the old generation has ended", func() bool { d := s.status("events").Drained; return d != nil && d.Cut == 0 })
}

// apacheSite returns the output of apache config for the running host, adapted to the main server
// of a test's Apache.
func (s *site) apacheSite() string {
	s.t.Helper()
	conf := s.mustRun("apache", "config", "-c", "modgw.hcl")
	var kept []string
	for line := range strings.SplitSeq(conf, "\n") {
		if !strings.Contains(line, "VirtualHost") && !strings.Contains(line, "ServerName") {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "\n")
}

func TestCodeOutsideTheRootIsFollowed(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write("shared/helper.py", "TEXT = b'one'\n")
	s.write("apps/one/modgw.hcl", `
		app "one" {
		  wsgi {
		    entry   = "app.py"
		    workers = 1
		  }
		}
	`)
	s.write("apps/one/app.py", `
import os, sys
sys.path.append(os.path.join(os.path.dirname(__file__), "../../shared"))
import helper

if helper.TEXT == b"one": # it changes while the app is loaded, before the host knows of it
    with open(helper.__file__, "w") as file:
        file.write("TEXT = b'two'\n")

def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [helper.TEXT]
`)
	s.start()
	s.eventually("the helper that changed meanwhile answers", func() bool { _, body := s.get("/"); return body == "two" })
	s.write("shared/helper.py", "TEXT = b'three'\n")
	s.eventually("the changed helper answers", func() bool { _, body := s.get("/"); return body == "three" })
}

func TestAFolderWhoseNameLooksLikeAPatternIsWatched(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write("draft [1/public/index.html", "the page")
	s.write("draft [1/one.hcl", ownPage("draft", `mount = "/one"`))
	s.spawn(nil, "serve", "draft [1", "--listen", "http=127.0.0.1:0", "--state", s.path("state"))
	s.wantAt("any.test", "/one/", "the page")
	s.write("draft [1/one.hcl", ownPage("draft", `mount = "/two"`))
	s.eventually("the app has moved", func() bool { _, body := s.at("any.test", "/two/"); return body == "the page" })
	s.write("draft [1/more.hcl", ownPage("more", `mount = "/more"`))
	s.eventually("a further app is served", func() bool { _, body := s.at("any.test", "/more/"); return body == "the page" })
}
