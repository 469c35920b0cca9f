package tests

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/modgw/modgw/internal/fronttest"
)

// writingApp writes down the id that a request's body is, and answers with it and its own version.
const writingApp = `
import os
VERSION = %q
LOG = os.open(os.path.join(os.path.dirname(__file__), "executed.txt"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

def application(environ, start_response):
    id = environ["wsgi.input"].read()
    if id:
        os.write(LOG, id + b"\n")
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [id + b" " + VERSION.encode()]
`

// poster sends POST requests to one front at a low constant rate, each on a new connection, and
// keeps an account.
type poster struct {
	front  string
	url    string
	server *fronttest.Server // nil: no web server is in front of the host
	client *http.Client

	mu sync.Mutex
	// the front is: then it may close a connection whose request it has not passed on
	reloading bool
	answered  []string // ids
	// ids whose connection the front closed without an answer while it was reloading
	closed []string
	faults []string // every other end
}

func newPoster(front, url string, server *fronttest.Server) *poster {
	return &poster{front: front, url: url, server: server, client: &http.Client{
		Timeout: time.Minute, Transport: &http.Transport{DisableKeepAlives: true},
	}}
}

// posterRate is the number of requests per second to each front.
const posterRate = 10

func (p *poster) run(ctx context.Context) {
	tick := time.NewTicker(time.Second / posterRate)
	defer tick.Stop()
	var flying sync.WaitGroup
	defer flying.Wait()
	for n := 1; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			flying.Go(func() { p.post(fmt.Sprintf("%s-%d", p.front, n)) })
		}
	}
}

func (p *poster) post(id string) {
	status, body := 0, ""
	resp, err := p.client.Post(p.url+"/count/", "text/plain", strings.NewReader(id))
	if err == nil {
		var text []byte
		text, err = io.ReadAll(resp.Body)
		resp.Body.Close()
		status, body = resp.StatusCode, string(text)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case err == nil && status == http.StatusOK && strings.HasPrefix(body, id+" "):
		p.answered = append(p.answered, id)
	case err != nil && status == 0 && p.reloading:
		p.closed = append(p.closed, id)
	default:
		p.faults = append(p.faults, fmt.Sprintf("%s: status %d, %.200q, %v", id, status, body, err))
	}
}

// progress returns the number of requests that have ended.
func (p *poster) progress() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.answered) + len(p.closed) + len(p.faults)
}

func (p *poster) setReloading(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reloading = on
}

// reload reloads the front gracefully. The returned function reports whether the reload is done:
// the old workers have ended, or, for lighttpd, which has no workers, the log contains the message.
func (p *poster) reload(t *testing.T) (done func() bool) {
	if p.server == nil {
		return func() bool { return true }
	}
	before := descendants(p.server.PID)
	p.server.Reload(t)
	return func() bool {
		if len(before) == 0 {
			return strings.Contains(p.server.Log(), "graceful shutdown started")
		}
		return !slices.ContainsFunc(descendants(p.server.PID), func(pid int) bool { return slices.Contains(before, pid) })
	}
}

// settle compares the account with the app's record of executed requests.
func (p *poster) settle(t *testing.T, executed map[string]int) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, fault := range p.faults {
		t.Error(fault)
	}
	for _, id := range p.answered {
		if executed[id] == 0 {
			t.Errorf("%s was answered and not executed", id)
		}
	}
	for _, id := range p.closed {
		if executed[id] > 0 {
			t.Errorf("%s was executed, and its answer is lost", id)
		}
	}
	t.Logf("%s: %d answered, %d closed by the front", p.front, len(p.answered), len(p.closed))
}

// webServers starts one web server of each kind, with the configuration that the host's commands
// write for a host file. HAProxy gets its backend "app" from haproxy.
func (s *site) webServers(file, haproxy string) map[string]*fronttest.Server {
	s.t.Helper()
	generated := func(server string, port int) string {
		return s.mustRun(server, "config", "-c", file, "--state", s.path("nowhere"), "--port", fmt.Sprint(port))
	}
	port := fronttest.FreePort(s.t)
	apache := fronttest.StartApache(s.t, fmt.Sprintf("Listen 127.0.0.1:%d\n%s", port, generated("apache", port)))
	apache.URL = fmt.Sprintf("http://127.0.0.1:%d", port)
	port = fronttest.FreePort(s.t)
	text := regexp.MustCompile(`(?m)^.*listen \[::\].*\n`).ReplaceAllString(generated("nginx", port), "")
	nginx := fronttest.StartNginxSites(s.t, port, strings.ReplaceAll(text, "listen ", "listen 127.0.0.1:"))
	lighttpd := fronttest.StartLighttpd(s.t, s.mustRun("lighttpd", "config", "-c", file, "--state", s.path("nowhere")))
	return map[string]*fronttest.Server{
		"apache": apache, "nginx": nginx, "lighttpd": lighttpd, "haproxy": fronttest.StartHAProxy(s.t, haproxy),
	}
}

// postersFor starts all web servers in front of a host's FastCGI socket. The last poster sends its
// requests directly to the host.
func (s *site) postersFor(socket, http string) []*poster {
	s.t.Helper()
	servers := s.webServers("modgw.hcl", fmt.Sprintf(`
fcgi-app count
  docroot /srv
  path-info ^(/)(.*)$
  option keep-conn
backend app
  use-fcgi-app count
  server s unix@%s proto fcgi
`, socket))
	var posters []*poster
	for front, server := range servers {
		posters = append(posters, newPoster(front, server.URL, server))
	}
	return append(posters, newPoster("direct", "http://"+http, nil))
}

// TestNothingIsLostOrExecutedTwiceBehindAnyFront keeps an account of requests through all web
// servers at once, and directly, while the app is reloaded, each server is reloaded gracefully, and
// the host is restarted with the sockets that it inherits.
func TestNothingIsLostOrExecutedTwiceBehindAnyFront(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	socket, http := s.path("inherited.sock"), fmt.Sprintf("127.0.0.1:%d", fronttest.FreePort(t))
	s.write("modgw.hcl", fmt.Sprintf(`
		apps  = ["apps/*/modgw.hcl"]
		state = "state"
		listen "fastcgi" { address = "unix:%s" }
		listen "http" { address = %q }
		defaults {
		  reload { settle = "50ms" }
		}
	`, socket, http))
	s.write("apps/count/modgw.hcl", `
		app "count" {
		  mount = "/count"
		  queue { max = 10000 } # a restart may take some time on a busy machine
		  wsgi {
		    entry   = "count.py"
		    workers = 2
		  }
		}
	`)
	s.write("apps/count/count.py", fmt.Sprintf(writingApp, "one"))
	s.pass("fastcgi", "unix:"+socket)
	s.pass("http", http)
	ready := regexp.MustCompile(`ready apps=1 failed=0 .*fastcgi=(\S+)`)
	host := s.launch(nil, "serve", "-c", s.path("modgw.hcl"))
	s.eventually("the host is ready", func() bool { return ready.MatchString(s.log.String()) })
	posters := s.postersFor(socket, http)

	ctx, stop := context.WithCancel(t.Context())
	var asking sync.WaitGroup
	for _, p := range posters {
		asking.Go(func() { p.run(ctx) })
	}
	// Between two events each front ends some more requests.
	pass := func() {
		for _, p := range posters {
			n := p.progress()
			s.eventually("requests end behind "+p.front, func() bool { return p.progress() >= n+posterRate })
		}
	}
	showing := func(version string) {
		s.eventually("the page is of version "+version, func() bool {
			_, body := get(t, posters[0].url+"/count/")
			return strings.HasSuffix(body, " "+version)
		})
	}
	pass()
	s.write("apps/count/count.py", fmt.Sprintf(writingApp, "two"))
	showing("two")
	pass()
	var reloaded []func() bool
	for _, p := range posters {
		p.setReloading(true)
		reloaded = append(reloaded, p.reload(t))
	}
	s.write("apps/count/count.py", fmt.Sprintf(writingApp, "three"))
	showing("three")
	pass()
	for i, p := range posters {
		s.eventually(p.front+" has reloaded", reloaded[i])
		p.setReloading(false)
	}
	pass()

	old := s.log
	s.log = &output{}
	if err := syscall.Kill(s.pid, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	err := <-host
	host <- err
	if err != nil {
		t.Errorf("the host ended with %v:\n%s", err, old)
	}
	s.launch(nil, "serve", "-c", s.path("modgw.hcl"))
	s.eventually("the host is ready again", func() bool { return ready.MatchString(s.log.String()) })
	pass()
	stop()
	asking.Wait()

	text, err := os.ReadFile(s.path("apps/count/executed.txt"))
	if err != nil {
		t.Fatal(err)
	}
	executed := map[string]int{}
	for id := range strings.FieldsSeq(string(text)) {
		executed[id]++
	}
	for id, n := range executed {
		if n > 1 {
			t.Errorf("%s was executed %d times", id, n)
		}
	}
	for _, p := range posters {
		p.settle(t, executed)
	}
}
