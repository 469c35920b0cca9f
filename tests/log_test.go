package tests

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/modgw/modgw/internal/fronttest"
	"github.com/modgw/modgw/internal/watchtest"
)

// talker is an app that prints a long line for each request.
const talker = `
import sys, time

def application(environ, start_response):
    print("x" * 8000, file=sys.stderr, flush=True)
    if environ["PATH_INFO"] == "/slow":
        time.sleep(300)
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "2")])
    return [b"v1"]
`

// newTalker returns a site with that app.
func newTalker(t *testing.T) *site {
	s := newSite(t)
	s.write("apps/talker/app.wsgi", talker)
	s.write("apps/talker/modgw.hcl", `
		app "talker" {
		  wsgi {
		    entry   = "app.wsgi"
		    workers = 2
		  }
		  timeouts { request = "1s" }
		}
	`)
	return s
}

// impatient fails if a host hangs.
var impatient = &http.Client{Timeout: watchtest.Patience}

func (s *site) answers(path string, status int) {
	s.t.Helper()
	response, err := impatient.Get(s.url + path)
	if err != nil {
		s.t.Fatalf("GET %s: %v", path, err)
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, response.Body)
	if response.StatusCode != status {
		s.t.Fatalf("GET %s: status %d, want %d", path, response.StatusCode, status)
	}
}

// worksOn makes the host perform every action that it logs.
func (s *site) worksOn() {
	s.t.Helper()
	for range 100 { // nearly a megabyte of log
		s.answers("/", 200)
	}
	s.answers("/slow", 504)
	before := s.status("talker").Generation.Number
	s.write("apps/talker/app.wsgi", strings.Replace(talker, "v1", "v2", 1)+fmt.Sprintf("# %d\n", before))
	s.eventually("the new code is there", func() bool { return s.status("talker").Generation.Number > before })
	s.answers("/", 200)
}

// readUntilReady reads the host's log until it is ready, and then stops reading.
func (s *site) readUntilReady(log io.Reader) (done chan *bufio.Reader) {
	done = make(chan *bufio.Reader, 1)
	go func() {
		lines := bufio.NewReaderSize(log, 16) // reads hardly anything ahead
		for {
			line, err := lines.ReadString('\n')
			fmt.Fprint(s.log, line)
			if err != nil || readyLine.MatchString(line) {
				done <- lines
				return
			}
		}
	}()
	return done
}

func TestFullPipeOfTheLogHoldsNothingUp(t *testing.T) {
	t.Parallel()
	s := newTalker(t)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	s.stderr = w
	read := s.readUntilReady(r)
	s.start()
	w.Close()
	<-read
	s.worksOn()
	// The pipe is full now, and stays full until the host has ended: the site's clean-up checks
	// that it does.
}

func TestLogWhoseReaderHasGoneIsWrittenAgainWhenThereIsOne(t *testing.T) {
	t.Parallel()
	s := newTalker(t)
	path := filepath.Join(s.dir, "log")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	open := func(flags int) *os.File {
		f, err := os.OpenFile(path, flags, 0)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	first := open(os.O_RDWR) // so that the next one does not wait for it
	s.stderr = open(os.O_WRONLY)
	read := s.readUntilReady(first)
	s.start()
	s.stderr.Close()
	<-read
	first.Close()
	s.worksOn()

	second := open(os.O_RDONLY)
	copied := make(chan struct{})
	go func() {
		defer close(copied)
		_, _ = io.Copy(s.log, second)
	}()
	s.eventually("the loss is reported", func() bool {
		return regexp.MustCompile(`! lines of the log lost lines=\d+ bytes=\d+ reason="broken pipe"`).MatchString(s.log.String())
	})
	s.answers("/", 200)
	s.eventually("the app's lines are there again", func() bool { return strings.Contains(s.log.String(), "| xxxx") })
	t.Cleanup(func() { second.Close(); <-copied })
}

func TestF44FullDiskOfTheLogHoldsNothingUp(t *testing.T) {
	t.Parallel()
	s := newTalker(t)
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	s.stderr = full
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	free.Close()
	s.url = "http://" + address
	s.launch(nil, "serve", "-c", s.path("modgw.hcl"), "--listen", "http="+address)
	s.eventually("the host is ready", func() bool {
		response, err := impatient.Get(s.url)
		if err != nil {
			return false
		}
		response.Body.Close()
		return response.StatusCode == 200
	})
	s.worksOn()
	if logs := s.mustRun("logs", "talker", "-n", "0", "-c", "modgw.hcl"); !strings.Contains(logs, "generation ready") {
		t.Errorf("the host's own memory of the log is not affected, but it has\n%s", logs)
	}
}

func TestFloodOfLongLinesIsBoundedInBytesForTheApp(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write("apps/loud/app.wsgi", `
import sys

def application(environ, start_response):
    for n in range(4000):
        print("x" * 16000, file=sys.stderr)
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "2")])
    return [b"ok"]
`)
	s.write("apps/loud/modgw.hcl", `
		app "loud" {
		  mount = "/loud"
		  queue { timeout = "2m" }
		  wsgi {
		    entry   = "app.wsgi"
		    workers = 3
		    threads = 1
		  }
		}
	`)
	s.write("apps/quiet/app.wsgi", strings.Replace(talker, `"x" * 8000`, `"quiet"`, 1))
	s.write("apps/quiet/modgw.hcl", `
		app "quiet" {
		  wsgi { entry = "app.wsgi" }
		}
	`)
	s.start()
	s.eventually("all workers take requests", func() bool {
		ready := 0
		for _, w := range s.status("loud").Runner.Workers {
			if w.State == "ready" {
				ready++
			}
		}
		return ready == 3
	})
	before, began := len(s.log.String()), time.Now()
	var floods sync.WaitGroup
	for range 6 {
		floods.Go(func() { s.answers("/loud", 200) })
	}
	floods.Wait()
	s.answers("/", 200)
	s.eventually("the quiet app's line is there", func() bool { return strings.Contains(s.log.String(), "| quiet") })
	s.eventually("what was dropped is counted", func() bool {
		return strings.Contains(s.log.String(), "! log records dropped of=\"app output\"")
	})
	most := (int(time.Since(began).Seconds()) + 2) << 20
	if logged := len(s.log.String()) - before; logged > most+most/8 {
		t.Errorf("of 384 MB printed, %d bytes were logged in %s", logged, time.Since(began))
	}
}

func TestFloodOfBadRequestsHidesNothingElse(t *testing.T) {
	t.Parallel()
	s := newTalker(t)
	s.start()
	began := time.Now()
	var clients sync.WaitGroup
	for range 10 {
		clients.Go(func() {
			for range 200 {
				conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
				if err != nil {
					t.Error(err)
					return
				}
				fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n")
				_, _ = io.Copy(io.Discard, conn)
				conn.Close()
			}
		})
	}
	clients.Wait()
	s.write("apps/talker/app.wsgi", talker+"# changed\n")
	s.eventually("the reload is logged", func() bool { return strings.Contains(s.log.String(), "generation=2 cause=\"app.wsgi changed\"") })
	s.eventually("what was dropped is counted", func() bool {
		return regexp.MustCompile(`! log records dropped of="request refused" records=\d+`).MatchString(s.log.String())
	})
	most := 200 * (int(time.Since(began)/(10*time.Second)) + 2)
	if refused := strings.Count(s.log.String(), "! request refused"); refused > most {
		t.Errorf("%d records of 2000 refused requests in %s", refused, time.Since(began))
	}
}

// Each of the host's own pages has an ID, also in a header. The log contains, with this ID, the
// details that the page does not show.
func TestIncidentOfAPageIsFoundInTheLog(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write("apps/talker/app.wsgi", "def application(environ, start_response):\n    raise ValueError('secret')\n")
	s.write("apps/talker/modgw.hcl", `
		app "talker" {
		  mount = "/talker"
		  wsgi { entry = "app.wsgi" }
		}
	`)
	s.start()
	for _, c := range []struct {
		path, found string
		status      int
	}{
		{"/nowhere", "request without an app", 404},
		{"/talker", "ValueError: secret", 500},
		{"/%00", "request refused", 400},
	} {
		response, err := impatient.Get(s.url + c.path)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(response.Body)
		response.Body.Close()
		id := response.Header.Get("X-Request-Id")
		if want := fmt.Sprintf("%d %s\nincident %s\n", c.status, http.StatusText(c.status), id); string(body) != want || id == "" {
			t.Errorf("GET %s is answered with %q, want %q", c.path, body, want)
		}
		if logs := s.mustRun("logs", "--id", id, "-c", "modgw.hcl"); !strings.Contains(logs, c.found) {
			t.Errorf("logs --id says %q of %s, want %q", logs, c.path, c.found)
		}
	}
}

// Apache's id of a request is the host's too: Apache's access log names the page's incident.
func TestApacheAndTheHostNameARequestAlike(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write("apps/talker/app.wsgi", "def application(environ, start_response):\n    raise ValueError(environ['modgw.request_id'])\n")
	s.write("apps/talker/modgw.hcl", `
		app "talker" {
		  mount = "/talker"
		  wsgi { entry = "app.wsgi" }
		}
	`)
	s.start()
	apache := fronttest.StartApache(t, "LoadModule unique_id_module "+s.apacheModule("unique_id", "apache2")+"\n"+
		`CustomLog /dev/stderr "asked %{UNIQUE_ID}e answered %{X-Request-Id}o"`+"\n"+s.apacheSite())
	status, page := get(t, apache.URL+"/talker/")
	_, id, _ := strings.Cut(strings.TrimSpace(page), "incident ")
	if status != 500 || id == "" {
		t.Fatalf("status %d, %q", status, page)
	}
	s.eventually("Apache logs the id twice", func() bool {
		return strings.Contains(apache.Log(), "asked "+id+" answered "+id)
	})
	if logs := s.mustRun("logs", "--id", id, "-c", "modgw.hcl"); !strings.Contains(logs, "ValueError: "+id) {
		t.Errorf("logs --id %s says\n%s", id, logs)
	}
}

func TestResultsToAClosedPipeEndACommandWithoutAWord(t *testing.T) {
	t.Parallel()
	s := newTalker(t)
	s.start()
	for _, args := range [][]string{
		{"status", "--json"}, {"status"}, {"logs", "-n", "0"}, {"logs", "-f"}, {"apache", "config"}, {"env", "list"},
	} {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		r.Close()
		var told strings.Builder
		cmd := exec.Command(program, append(args, "-c", "modgw.hcl")...)
		cmd.Dir, cmd.Stdout, cmd.Stderr = s.dir, w, &told
		err = cmd.Run()
		w.Close()
		if err == nil || told.Len() > 0 {
			t.Errorf("%v ended with %v and said %q; other tools end with SIGPIPE and say nothing", args, err, told.String())
		}
	}
}
