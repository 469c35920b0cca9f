package fastcgi

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/fcgi"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/modgw/modgw/internal/faulttest"
	"github.com/modgw/modgw/internal/fronttest"
	"github.com/modgw/modgw/internal/runnertest"
	"github.com/modgw/modgw/modgw"
)

// developed builds the program of testdata that is made with the development kit.
func developed(t *testing.T, workers int) modgw.FastCGI {
	t.Helper()
	if _, err := os.Stat("/usr/include/fcgi_stdio.h"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("fcgi_stdio.h is not installed: apt install libfcgi-dev")
		}
		t.Skip("fcgi_stdio.h is not installed: apt install libfcgi-dev")
	}
	out := filepath.Join(t.TempDir(), "counter")
	if text, err := exec.Command(fronttest.Require(t, "gcc", "gcc"), "-o", out, "testdata/counter.c", "-lfcgi").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return modgw.FastCGI{Command: []string{out}, Workers: workers}
}

func TestProgramOfTheDevelopmentKit(t *testing.T) {
	d := descriptor(t, developed(t, 1))
	d.Mount = "/c"
	a := serve(t, d, nil)
	a.Want(a.Get("/c/some/path"), 201, "count=1 path=/some/path body=")
	a.Want(a.Do("POST", "/c/x", strings.NewReader("posted"), nil), 201, "count=2 path=/x body=posted")
	a.Eventually("standard error in the log", func() bool { return strings.Contains(a.Log(), "request 2 for /x") })
	if got := a.Get("/c/exit"); got.Status != 502 {
		t.Errorf("got %d %q", got.Status, got.Body)
	}
	a.Want(a.Get("/c/after"), 201, "path=/after")
	if got := a.Get("/c/crash-late"); got.Err == nil {
		t.Errorf("the response looks complete: %q", got.Body)
	}
	a.Eventually("reason in the log", func() bool { return strings.Contains(a.Log(), "SIGABRT") })
}

// TestRequestThatAnEndingProgramHasNotReadIsGivenToAnother has a program that ends after a
// response, with the next request before it: that one is not to blame.
func TestRequestThatAnEndingProgramHasNotReadIsGivenToAnother(t *testing.T) {
	a := serve(t, descriptor(t, developed(t, 1)), nil)
	for range 2 {
		a.Want(a.Get("/leave"), 200, "leaving")
		a.Want(a.Get("/after"), 201, "path=/after")
	}
	if crash := a.runner.Status().Crash; crash != nil {
		t.Errorf("status has %+v", crash)
	}
}

func TestProgramOfPerl(t *testing.T) {
	if exec.Command("perl", "-MFCGI", "-e", "1").Run() != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("Perl's FCGI is not installed: apt install libfcgi-perl")
		}
		t.Skip("Perl's FCGI is not installed: apt install libfcgi-perl")
	}
	source, err := os.ReadFile("testdata/hello.pl")
	if err != nil {
		t.Fatal(err)
	}
	a := serve(t, descriptor(t, modgw.FastCGI{Command: []string{"./hello.pl"}, Workers: 2}), map[string]string{"hello.pl": string(source)})
	a.Want(a.Get("/a/b?c=d"), 200, "perl  /a/b c=d ")
	a.Want(a.Do("POST", "/", strings.NewReader("body"), nil), 200, "perl  /  body")
	a.Want(a.Get("/stream"), 200, "line 1\nline 2\nline 3\nline 4\nline 5\n")
}

// programEnv makes the test binary a FastCGI program of Go's standard library, which accepts many
// requests on a connection.
const programEnv = "FASTCGI_TEST_PROGRAM"

func programOfGo() {
	err := fcgi.Serve(nil, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/big" {
			_, _ = w.Write(make([]byte, 12<<20)) // the client may have gone
			return
		}
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "go %s %s %d %d", r.Method, r.URL.Path, len(body), os.Getuid())
	}))
	fmt.Fprintln(os.Stderr, err)
}

func TestProgramOfGo(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	d := descriptor(t, modgw.FastCGI{Command: []string{exe}})
	d.Env = map[string]string{programEnv: "1", "GORACE": "atexit_sleep_ms=0"}
	a := serve(t, d, nil)
	var clients sync.WaitGroup
	for i := range 40 {
		clients.Go(func() {
			a.Want(a.Do("POST", "/some/path", strings.NewReader(strings.Repeat("x", i*5000)), nil), 200, fmt.Sprintf("go POST /some/path %d ", i*5000))
			a.Want(a.Get("/"), 200, "go GET / 0 ")
		})
	}
	clients.Wait()
	if s := a.runner.Status(); s.Capacity < 2 || s.Restarts > 0 {
		t.Errorf("status %+v", s)
	}
}

func TestProgramRunsAsItsUser(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can start a program as another user")
	}
	text, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	d := descriptor(t, modgw.FastCGI{Command: []string{"./program"}})
	d.Env, d.User, d.Root = map[string]string{programEnv: "1"}, "nobody", fronttest.Dir(t)
	a := serve(t, d, map[string]string{"program": string(text)})
	a.Want(a.Get("/"), 200, "go GET / 0 65534")
}

func TestKilledWorkerIsReplaced(t *testing.T) {
	a := serve(t, descriptor(t, developed(t, 2)), nil)
	killed := 0 // the second worker may not be there yet when the first is killed
	for range 3 {
		pids := map[int]bool{}
		for _, w := range a.runner.Status().Workers {
			if w.State != "ready" {
				continue // one that is killed while it starts is no restart
			}
			pids[w.PID] = true
			if err := syscall.Kill(w.PID, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			killed++
		}
		for range 20 {
			a.Want(a.Get("/"), 201, "path=/")
		}
		a.Eventually("two others", func() bool {
			ready := 0
			for _, w := range a.runner.Status().Workers {
				if w.State == "ready" && !pids[w.PID] {
					ready++
				}
			}
			return ready == 2
		})
	}
	if n := a.runner.Status().Restarts; n != killed {
		t.Errorf("%d restarts of %d workers that were killed", n, killed)
	}
}

func TestStuckWorkerGetsNoMoreRequests(t *testing.T) {
	d := descriptor(t, developed(t, 1))
	d.Timeouts.Request, d.Timeouts.Drain, d.Timeouts.Stop = 2*time.Second, 100*time.Millisecond, time.Second
	a := serve(t, d, nil)
	stuck := a.runner.Status().Workers[0].PID
	a.Want(a.Get("/stuck"), 504, "")
	for range 5 {
		a.Want(a.Do("POST", "/", strings.NewReader("order"), nil), 201, "body=order")
	}
	a.Eventually("end of the stuck worker", func() bool { return syscall.Kill(stuck, 0) != nil })
	a.Want(a.Get("/"), 201, "path=/")
}

func TestStuckWorkerIsReplacedThoughItsClientHasGone(t *testing.T) {
	d := descriptor(t, developed(t, 1))
	d.Timeouts.Request, d.Timeouts.Drain, d.Timeouts.Stop = 2*time.Second, 100*time.Millisecond, time.Second
	a := serve(t, d, nil)
	stuck := a.runner.Status().Workers[0].PID
	ctx, cancel := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, "GET", a.URL+"/stuck", nil)
	if err != nil {
		t.Fatal(err)
	}
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		if response, err := http.DefaultClient.Do(r); err == nil {
			response.Body.Close()
			t.Error("it was answered")
		}
	}()
	a.Eventually("request", func() bool { return strings.Contains(a.Log(), `line="stuck began"`) })
	cancel()
	<-gone
	for range 5 {
		a.Want(a.Do("POST", "/", strings.NewReader("order"), nil), 201, "body=order")
	}
	a.Eventually("end of the stuck worker", func() bool { return syscall.Kill(stuck, 0) != nil })
}

func TestSwapDropsNoRequest(t *testing.T) {
	d := descriptor(t, developed(t, 2))
	a := serve(t, d, nil)
	stop := make(chan struct{})
	var clients sync.WaitGroup
	for range 4 {
		clients.Go(func() {
			for {
				select {
				case <-stop:
					return
				// without a pause they take the time that programs need to start
				case <-time.After(15 * time.Millisecond):
				}
				a.Want(a.Do("POST", "/", strings.NewReader("order"), nil), 201, "body=order")
			}
		})
	}
	for range 5 {
		if err := a.Gateway.Deploy(t.Context(), d, "again"); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	clients.Wait()
}

func TestRecycledWorkerIsReplacedFirst(t *testing.T) {
	d := descriptor(t, developed(t, 1))
	d.Recycle.Requests = 5
	a := serve(t, d, nil)
	pids := map[string]bool{}
	for len(pids) < 3 && !t.Failed() {
		got := a.Get("/")
		a.Want(got, 201, "pid=")
		pids[strings.Fields(got.Body)[0]] = true
	}
	if s := a.runner.Status(); s.Restarts != 0 {
		t.Errorf("status %+v", s)
	}
}

func TestProgramThatDoesNotStartIsNamed(t *testing.T) {
	for name, c := range map[string]struct {
		command []string
		says    string
	}{
		"missing":      {[]string{"no-such-program"}, "MGW-PRG-001"},
		"missing path": {[]string{"./no-such-program"}, "MGW-PRG-001"},
		"ends":         {[]string{"sh", "-c", "echo last words >&2; exit 3"}, "exited with code 3"},
		"output":       {[]string{"sh", "-c", "echo last words >&2; exit 3"}, "last words"},
		"accepts none": {[]string{"sleep", "60"}, "MGW-PRG-003"},
	} {
		t.Run(name, func(t *testing.T) {
			d := descriptor(t, modgw.FastCGI{Command: c.command})
			if name == "accepts none" {
				d.Timeouts.Startup = 100 * time.Millisecond
			}
			_, err := deploy(t, d, nil)
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Fatalf("got %v", err)
			}
			if strings.HasPrefix(c.says, "MGW-") {
				faulttest.Want(t, err.Error(), c.says)
			}
		})
	}
}

func TestPHPFPM(t *testing.T) {
	fpm := fronttest.Require(t, "php-fpm8.2", "php-fpm")
	dir := fronttest.Dir(t)
	socket := filepath.Join(dir, "fpm.sock")
	config := "[global]\nerror_log = " + dir + "/log\ndaemonize = no\n[www]\nlisten = " + socket +
		"\nlisten.mode = 0666\npm = static\npm.max_children = 2\npm.max_requests = 7\n"
	arguments := []string{"-n", "-F", "-y", dir + "/fpm.conf"}
	if os.Getuid() == 0 {
		config += "user = www-data\ngroup = www-data\n"
	}
	if err := writeFile(dir+"/fpm.conf", config); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(fpm, arguments...)
	cmd.Stdout, cmd.Stderr = io.Discard, io.Discard
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it ends its children
		_ = cmd.Wait()
	})
	(&runnertest.App{T: t}).Eventually("socket", func() bool { _, err := os.Stat(socket); return err == nil })

	d := descriptor(t, modgw.FastCGI{Connect: "unix:" + socket, ScriptRoot: dir})
	d.Env = map[string]string{"X": "from the descriptor"}
	a := serve(t, d, nil)
	if err := writeFile(dir+"/vars.php", phpVars); err != nil {
		t.Fatal(err)
	}
	var clients sync.WaitGroup
	for range 4 {
		clients.Go(func() {
			for range 25 { // beyond max_children at once, and beyond max_requests
				got := a.Do("POST", "/vars.php", strings.NewReader("posted"), http.Header{"Content-Type": {"text/plain"}})
				a.Want(got, 200, "body=posted")
				a.Want(a.Get("/vars.php/info"), 200, "PATH_INFO=/info\n")
			}
		})
	}
	clients.Wait()
	a.Want(a.Get("/vars.php"), 200, "X=from the descriptor\n")
}

func TestRequestThatCrashesAProgramIsNamedAndNotRepeated(t *testing.T) {
	a := serve(t, descriptor(t, developed(t, 2)), nil)
	for n := 1; n <= 4; n++ {
		a.Want(a.Get("/crash"), 502, "")
		a.Eventually("line of the program", func() bool { return strings.Count(a.Log(), `line="crash began"`) >= n })
		if began := strings.Count(a.Log(), `line="crash began"`); began != n {
			t.Fatalf("%d crashes began after %d requests", began, n)
		}
		for range 4 {
			a.Want(a.Do("POST", "/other", strings.NewReader("order"), nil), 201, "body=order")
		}
	}
	crash := a.runner.Status().Crash
	if crash == nil || len(crash.Requests) != 1 || crash.Requests[0].Method != "GET" || crash.Requests[0].Path != "/crash" {
		t.Errorf("status has %+v", crash)
	}
}
