package apache_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/modgw/modgw/apache"
	"github.com/modgw/modgw/internal/faulttest"
	"github.com/modgw/modgw/internal/fronttest"
	"github.com/modgw/modgw/internal/watchtest"
	"github.com/modgw/modgw/modgw"
)

// own is an Apache of our own that runs until the test ends.
type own struct {
	*apache.Server
	stop context.CancelFunc
	done chan error
}

func run(t *testing.T, c apache.RunConfig) *own {
	t.Helper()
	fronttest.Require(t, "apache2", "apache2")
	if c.Dir == "" {
		c.Dir = fronttest.Dir(t)
	}
	c.Port = fronttest.FreePort(t)
	c.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	o := &own{Server: apache.New(c), done: make(chan error, 1)}
	ctx, cancel := context.WithCancel(context.Background())
	o.stop = cancel
	go func() { o.done <- o.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-o.done })
	select {
	case <-o.Ready():
	case err := <-o.done:
		o.done <- err
		t.Fatal(err)
	}
	return o
}

func (o *own) end(t *testing.T) {
	t.Helper()
	o.stop()
	err := <-o.done
	o.done <- nil
	if err != nil {
		t.Error(err)
	}
}

func TestAnApacheOfOurOwnServesAppsAndEnds(t *testing.T) {
	dir := fronttest.Dir(t)
	static := filepath.Join(fronttest.Dir(t), "static")
	if err := os.Mkdir(static, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(static, "site.css"), []byte("css"), 0o644); err != nil {
		t.Fatal(err)
	}
	blog := wsgi("blog", "/blog")
	blog.Aliases = []modgw.Alias{{Path: "/static", Dir: static}}
	o := run(t, apache.RunConfig{Dir: dir, Apps: []modgw.Descriptor{blog}, Listeners: []modgw.Listener{serve(t, echo)}, AccessLog: filepath.Join(dir, "access.log")})
	if _, body := get(t, o.URL()+"/blog/x", ""); body != "blog /blog/x /blog/x" {
		t.Errorf("got %q", body)
	}
	resp, body := get(t, o.URL()+"/blog/static/site.css", "")
	if body != "css" || resp.Header.Get("Content-Type") != "text/css" {
		t.Errorf("got %q, %s", body, resp.Header.Get("Content-Type"))
	}
	if resp, _ := get(t, o.URL()+"/", ""); resp.StatusCode != 404 {
		t.Errorf("no app: %s", resp.Status)
	}
	pid := pidOf(t, dir)
	o.end(t)
	if err := syscall.Kill(-pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("processes of the group %d are left: %v", pid, err)
	}
	if log, err := os.ReadFile(filepath.Join(dir, "access.log")); err != nil || !strings.Contains(string(log), `"GET /blog/x HTTP/1.1" 200`) {
		t.Errorf("access log: %q, %v", log, err)
	}
}

func pidOf(t *testing.T, dir string) int {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "httpd.pid"))
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(data)))
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

func TestReloadChangesTheAppsWithoutLosingARequest(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	listener := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/blog/slow" {
			close(entered)
			<-leave
		}
		echo(w, r)
	})
	o := run(t, apache.RunConfig{Apps: []modgw.Descriptor{wsgi("blog", "/blog")}, Listeners: []modgw.Listener{listener}})
	slow := make(chan string, 1)
	go func() {
		resp, err := http.Get(o.URL() + "/blog/slow")
		if err != nil {
			slow <- err.Error()
			return
		}
		resp.Body.Close()
		slow <- resp.Status
	}()
	<-entered
	if err := o.Reload(t.Context(), []modgw.Descriptor{wsgi("shop", "/shop")}); err != nil {
		t.Fatal(err)
	}
	watchtest.Eventually(t, "the new app answers", func() bool {
		resp, _ := get(t, o.URL()+"/shop", "")
		return resp.StatusCode == 200
	})
	if resp, _ := get(t, o.URL()+"/blog", ""); resp.StatusCode != 404 {
		t.Errorf("the old app: %s", resp.Status)
	}
	close(leave)
	if got := <-slow; got != "200 OK" {
		t.Errorf("the request in flight: %s", got)
	}
	http.DefaultClient.CloseIdleConnections()

	var fault *modgw.Fault
	err := o.Reload(t.Context(), []modgw.Descriptor{wsgi("bad", "/b*d")})
	if !errors.As(err, &fault) || !faulttest.Has(fault.Error(), "MGW-APA-002") {
		t.Errorf("got %v", err)
	}
	if _, body := get(t, o.URL()+"/shop", ""); body != "shop /shop /shop" {
		t.Errorf("after a reload that failed: %q", body)
	}
}

func TestReloadsUnderLoadLoseNothing(t *testing.T) {
	o := run(t, apache.RunConfig{Apps: []modgw.Descriptor{wsgi("blog", "/blog")}, Listeners: []modgw.Listener{serve(t, echo)}})
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	stop := make(chan struct{})
	var clients sync.WaitGroup
	var served atomic.Int32
	for range 4 {
		clients.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				resp, err := client.Get(o.URL() + "/blog/x")
				if err != nil {
					t.Error(err)
					return
				}
				resp.Body.Close()
				if resp.StatusCode != 200 {
					t.Error(resp.Status)
				}
				served.Add(1)
			}
		})
	}
	for i := range 5 {
		next := fmt.Sprintf("shop%d", i)
		if err := o.Reload(t.Context(), []modgw.Descriptor{wsgi("blog", "/blog"), wsgi(next, modgw.MountPath("/"+next))}); err != nil {
			t.Error(err)
		}
		watchtest.Eventually(t, "the new app answers", func() bool {
			resp, _ := get(t, o.URL()+"/"+next, "")
			return resp.StatusCode == 200
		})
	}
	close(stop)
	clients.Wait()
	t.Logf("%d requests", served.Load())
}

func TestTheEndWaitsForRequestsInFlight(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	listener := serve(t, func(w http.ResponseWriter, r *http.Request) {
		close(entered)
		<-leave
		echo(w, r)
	})
	o := run(t, apache.RunConfig{Apps: []modgw.Descriptor{wsgi("blog", "/")}, Listeners: []modgw.Listener{listener}})
	answer := make(chan string, 1)
	go func() {
		resp, err := http.Get(o.URL())
		if err != nil {
			answer <- err.Error()
			return
		}
		resp.Body.Close()
		answer <- resp.Status
	}()
	<-entered
	o.stop()
	watchtest.Eventually(t, "the port is closed", func() bool {
		conn, err := net.Dial("tcp", strings.TrimPrefix(o.URL(), "http://"))
		if err == nil {
			conn.Close()
		}
		return err != nil
	})
	close(leave)
	if got := <-answer; got != "200 OK" {
		t.Errorf("got %s", got)
	}
	http.DefaultClient.CloseIdleConnections()
	o.end(t)
}

func TestARunThatIsEndedWhileItStartsEndsAtOnce(t *testing.T) {
	fronttest.Require(t, "apache2", "apache2")
	listener := serve(t, echo)
	for _, delay := range []time.Duration{0, time.Millisecond, 20 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond} {
		s := apache.New(apache.RunConfig{Dir: fronttest.Dir(t), Options: apache.Options{Port: fronttest.FreePort(t)}, Listeners: []modgw.Listener{listener}})
		ctx, cancel := context.WithTimeout(context.Background(), delay)
		reloaded := make(chan error, 1)
		go func() { reloaded <- s.Reload(ctx, []modgw.Descriptor{wsgi("blog", "/")}) }()
		if err := s.Run(ctx); err != nil {
			t.Errorf("after %s: %v", delay, err)
		}
		<-reloaded
		cancel()
	}
}

func TestAPortInUseIsToldInApachesWords(t *testing.T) {
	fronttest.Require(t, "apache2", "apache2")
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	s := apache.New(apache.RunConfig{Dir: fronttest.Dir(t), Options: apache.Options{Port: ln.Addr().(*net.TCPAddr).Port},
		Listeners: []modgw.Listener{{Kind: "fastcgi", Address: "unix:/run/none.sock"}}})
	go func() { // a port that is in use accepts, but does not answer
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			conn.Close()
		}
	}()
	err = s.Run(t.Context())
	var fault *modgw.Fault
	if !errors.As(err, &fault) || !faulttest.Has(fault.Error(), "MGW-HST-001") || !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("got %v", err)
	}
}

func TestAConfigurationThatApacheRefusesIsToldInItsWords(t *testing.T) {
	fronttest.Require(t, "apache2", "apache2")
	s := apache.New(apache.RunConfig{Dir: fronttest.Dir(t), Options: apache.Options{TLS: &apache.TLS{Certificate: "/none.pem", Key: "/none.pem"}},
		Apps: []modgw.Descriptor{wsgi("blog", "/")}, Listeners: []modgw.Listener{{Kind: "fastcgi", Address: "unix:/run/none.sock"}}})
	err := s.Run(t.Context())
	var fault *modgw.Fault
	if !errors.As(err, &fault) || !faulttest.Has(fault.Error(), "MGW-APA-005") || !strings.Contains(fault.Output, "/none.pem") {
		t.Errorf("got %v", err)
	}
}

func TestAnApacheThatAnEarlierRunLeftBehindIsEnded(t *testing.T) {
	dir := fronttest.Dir(t)
	listener := serve(t, echo)
	o := run(t, apache.RunConfig{Dir: dir, Listeners: []modgw.Listener{listener}})
	conf, err := os.ReadFile(filepath.Join(dir, "httpd.conf"))
	if err != nil {
		t.Fatal(err)
	}
	o.end(t)
	// The same again, started by a process that is gone.
	if err := os.WriteFile(filepath.Join(dir, "httpd.conf"), conf, 0o644); err != nil {
		t.Fatal(err)
	}
	orphan := exec.Command(fronttest.Require(t, "apache2", "apache2"), "-f", filepath.Join(dir, "httpd.conf"), "-DFOREGROUND")
	orphan.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := orphan.Start(); err != nil {
		t.Fatal(err)
	}
	reaped := make(chan error, 1)
	go func() { reaped <- orphan.Wait() }()
	watchtest.Eventually(t, "the orphan runs", func() bool {
		_, err := os.Stat(filepath.Join(dir, "httpd.pid"))
		return err == nil
	})
	next := run(t, apache.RunConfig{Dir: dir, Listeners: []modgw.Listener{listener}})
	if err := <-reaped; err != nil {
		t.Errorf("the orphan: %v", err)
	}
	next.end(t)
}

func TestTLSIsServedWithTheCertificate(t *testing.T) {
	file := fronttest.SelfSigned(t)
	o := run(t, apache.RunConfig{Options: apache.Options{TLS: &apache.TLS{Certificate: file, Key: file}},
		Apps: []modgw.Descriptor{wsgi("blog", "/")}, Listeners: []modgw.Listener{serve(t, echo)}})
	out, err := exec.Command("curl", "-sS", "--cacert", file, "--resolve", strings.Replace(strings.TrimPrefix(o.URL(), "https://"), "127.0.0.1", "localhost", 1)+":127.0.0.1",
		strings.Replace(o.URL(), "127.0.0.1", "localhost", 1)+"/x").CombinedOutput()
	if err != nil || string(out) != "blog /x /x" {
		t.Errorf("got %q, %v", out, err)
	}
}

// If Apache answers 503 because it may not open the host's socket, the log names the folder or mode
// that prevents it.
func TestAnUnreachableHostIsExplained(t *testing.T) {
	fronttest.Require(t, "apache2", "apache2")
	listener := serve(t, echo)
	records := make(chan slog.Record, 1000)
	s := apache.New(apache.RunConfig{Dir: fronttest.Dir(t), Options: apache.Options{Port: fronttest.FreePort(t)}, Log: slog.New(recorder(records)),
		Apps: []modgw.Descriptor{wsgi("blog", "/")}, Listeners: []modgw.Listener{listener}})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	<-s.Ready()
	socket := listener.Address.Target()
	if err := os.Chmod(socket, 0); err != nil {
		t.Fatal(err)
	}
	if resp, _ := get(t, s.URL(), ""); resp.StatusCode != 503 {
		t.Errorf("got %s", resp.Status)
	}
	for r := range records {
		attributes := ""
		r.Attrs(func(a slog.Attr) bool { attributes += fmt.Sprintf(" %s=%s", a.Key, a.Value); return true })
		if r.Message == "apache cannot reach the host" && strings.Contains(attributes, "may not write to "+socket) && strings.Contains(attributes, "group") {
			break
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestLinesOfApacheAreForwarded(t *testing.T) {
	fronttest.Require(t, "apache2", "apache2")
	records := make(chan slog.Record, 1000)
	s := apache.New(apache.RunConfig{Dir: fronttest.Dir(t), Options: apache.Options{Port: fronttest.FreePort(t)}, Log: slog.New(recorder(records)),
		Apps: []modgw.Descriptor{wsgi("blog", "/")}, Listeners: []modgw.Listener{{Kind: "fastcgi", Address: "unix:/run/none.sock"}}})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	<-s.Ready()
	if resp, _ := get(t, s.URL(), ""); resp.StatusCode != 503 {
		t.Errorf("got %s", resp.Status)
	}
	for r := range records {
		attributes := ""
		r.Attrs(func(a slog.Attr) bool { attributes += fmt.Sprintf(" %s=%s", a.Key, a.Value); return true })
		if r.Level == slog.LevelError && r.Message == "apache output" && strings.Contains(attributes, "line=") && strings.Contains(attributes, "none.sock") {
			break
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

type recorder chan slog.Record

func (r recorder) Enabled(context.Context, slog.Level) bool { return true }
func (r recorder) Handle(_ context.Context, record slog.Record) error {
	r <- record
	return nil
}
func (r recorder) WithAttrs([]slog.Attr) slog.Handler { return r }
func (r recorder) WithGroup(string) slog.Handler      { return r }
