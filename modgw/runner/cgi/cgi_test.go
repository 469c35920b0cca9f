package cgi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/modgw/modgw/internal/faulttest"
	"github.com/modgw/modgw/internal/runnertest"
	"github.com/modgw/modgw/modgw"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func descriptor(t *testing.T) modgw.Descriptor {
	d := runnertest.Descriptor(t)
	d.Kind, d.CGI = modgw.KindCGI, &modgw.CGI{Dir: d.Root + "/cgi-bin"}
	return d
}

func newRunner(c modgw.RunnerConfig) (modgw.Runner, error) { return New(c) }

// serve deploys an app with scripts, named by their file names.
func serve(t *testing.T, d modgw.Descriptor, scripts map[string]string) *runnertest.App {
	t.Helper()
	files := map[string]string{}
	for name, text := range scripts {
		files["cgi-bin/"+name] = text
	}
	a, err := runnertest.Deploy(t, d, newRunner, files)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

const (
	sh    = "#!/bin/sh\n"
	plain = sh + "printf 'Content-Type: text/plain\\n\\n'\n"
	env   = plain + "env | sort\nprintf 'args=%s cwd=%s\\nbody=' \"$*\" \"$PWD\"\ncat\n"
)

// The requirements of RFC 3875 for a server, by section.
func TestServerKeepsTheRules(t *testing.T) {
	d := descriptor(t)
	d.Mount = "/app"
	a := serve(t, d, map[string]string{"env": env})
	header := http.Header{
		"Content-Type": {"text/x"}, "X-Custom": {"a", "b"}, "Cookie": {"a=b"}, "Proxy": {"http://evil"}, "X_under": {"score"},
		"Authorization": {"Basic eDp5"}, "Shell-Shock": {"() { :;}; echo vulnerable"}, "Redirect-Status": {"500"},
	}
	got := a.Do("POST", "/app/env/extra/path%2Fx?query+words=1&-s", strings.NewReader("hello"), header)
	a.Want(got, 200, "body=hello")
	lines := map[string]bool{}
	for line := range strings.Lines(got.Body) {
		lines[strings.TrimSuffix(line, "\n")] = true
	}
	host := strings.TrimPrefix(a.URL, "http://")
	name, port, _ := strings.Cut(host, ":")
	for section, line := range map[string]string{
		"4.1.2 CONTENT_LENGTH":          "CONTENT_LENGTH=5",
		"4.1.3 CONTENT_TYPE":            "CONTENT_TYPE=text/x",
		"4.1.4 GATEWAY_INTERFACE":       "GATEWAY_INTERFACE=CGI/1.1",
		"4.1.5 PATH_INFO":               "PATH_INFO=/extra/path/x",
		"4.1.6 PATH_TRANSLATED":         "PATH_TRANSLATED=" + a.Root + "/extra/path/x",
		"4.1.7 QUERY_STRING":            "QUERY_STRING=query+words=1&-s",
		"4.1.8 REMOTE_ADDR":             "REMOTE_ADDR=127.0.0.1",
		"4.1.9 REMOTE_HOST":             "REMOTE_HOST=127.0.0.1",
		"4.1.12 REQUEST_METHOD":         "REQUEST_METHOD=POST",
		"4.1.13 SCRIPT_NAME":            "SCRIPT_NAME=/app/env",
		"4.1.14 SERVER_NAME":            "SERVER_NAME=" + name,
		"4.1.15 SERVER_PORT":            "SERVER_PORT=" + port,
		"4.1.16 SERVER_PROTOCOL":        "SERVER_PROTOCOL=HTTP/1.1",
		"4.1.17 SERVER_SOFTWARE":        "SERVER_SOFTWARE=modgw",
		"4.1.18 headers":                "HTTP_X_CUSTOM=a, b",
		"4.1.18 cookies":                "HTTP_COOKIE=a=b",
		"4.4 no arguments from a query": "args= cwd=" + a.Root + "/cgi-bin",
		"7.2 working directory":         "args= cwd=" + a.Root + "/cgi-bin",
		"httpoxy, by a header's name":   "HTTP_SHELL_SHOCK=() { :;}; echo vulnerable",
		"status":                        "REDIRECT_STATUS=200",
	} {
		if !lines[line] {
			t.Errorf("%s: no %q in:\n%s", section, line, got.Body)
		}
	}
	for _, never := range []string{"HTTP_PROXY", "HTTP_CONTENT_LENGTH", "HTTP_CONTENT_TYPE", "HTTP_X_UNDER", "AUTH_TYPE", "REMOTE_USER", "GOCACHE", "\nvulnerable"} {
		if strings.Contains(got.Body, never) {
			t.Errorf("%s is there:\n%s", never, got.Body)
		}
	}
	bare := a.Get("/app/env")
	a.Want(bare, 200, "\nQUERY_STRING=\n")
	for _, never := range []string{"PATH_INFO", "PATH_TRANSLATED", "CONTENT_LENGTH", "CONTENT_TYPE"} {
		if strings.Contains(bare.Body, never) {
			t.Errorf("%s is there without a reason:\n%s", never, bare.Body)
		}
	}
	a.Want(a.Do("DELETE", "/app/env", nil, nil), 200, "REQUEST_METHOD=DELETE")
}

// Section 6.
func TestResponsesOfEachKind(t *testing.T) {
	a := serve(t, descriptor(t), map[string]string{
		"document":       plain + "echo document\n",
		"status":         sh + "printf 'Status: 404 Nothing Here\\r\\nContent-Type: text/plain\\r\\n\\r\\nno'\n",
		"client":         sh + "printf 'Location: http://example.com/x\\n\\n'\n",
		"client-status":  sh + "printf 'Status: 303 See Other\\nLocation: http://example.com/x\\nContent-Type: text/plain\\n\\nthere'\n",
		"local":          sh + "printf 'Location: /document?a=b\\n\\n'\n",
		"local-status":   sh + "printf 'Status: 302\\nLocation: /document\\n\\n'\n",
		"local-cookie":   sh + "printf 'Location: /document\\nSet-Cookie: a=b\\n\\n'\n",
		"local-nowhere":  sh + "printf 'Location: /missing\\n\\n'\n",
		"loop":           sh + "printf 'Location: /loop\\n\\n'\n",
		"no-content":     sh + "printf 'Status: 204\\n\\n'\n",
		"nph-own":        sh + "printf 'HTTP/1.1 202 Accepted\\r\\nX-Own: yes\\r\\nContent-Type: text/plain\\r\\n\\r\\nown'\n",
		"type-only":      sh + "printf 'Content-type: text/html\\n\\n<p>'\n",
		"silent":         sh + "exit 0\n",
		"fails":          sh + "echo reason >&2; exit 3\n",
		"garbage":        sh + "echo Hello; echo\n",
		"killed":         plain + "echo half; kill -9 $$\n",
		"short":          sh + "printf 'Content-Type: text/plain\\nContent-Length: 10\\n\\nshort'\n",
		"long":           sh + "printf 'Content-Type: text/plain\\nContent-Length: 3\\n\\nlonger'\n",
		"hops":           sh + "printf 'Content-Type: text/plain\\nTransfer-Encoding: chunked\\nConnection: X-Own\\nX-Own: 1\\nProxy-Authenticate: x\\n\\nwhole'\n",
		"crlf":           sh + "printf 'Content-Type: text/plain\\nX: a\\rSet-Cookie: b\\n\\n'\n",
		"bad-shebang":    "#!/no/such/interpreter\n",
		"not-a-program":  "just text\n",
		"reads-nothing":  plain + "echo done\n",
		"exits-late":     plain + "echo done; exit 7\n",
		"goes-on":        plain + "echo done; exec >&-; sleep 0.3; touch went-on\n",
		"leaves-a-child": plain + "echo done; sleep 60 &\n",
	})
	big := strings.Repeat("x", 1<<20)
	for path, want := range map[string]struct {
		status int
		body   string
	}{
		"/document":       {200, "document\n"},
		"/status":         {404, "no"},
		"/client":         {302, ""},
		"/client-status":  {303, "there"},
		"/local":          {200, "document\n"},
		"/local-status":   {302, ""},
		"/local-cookie":   {302, ""},
		"/local-nowhere":  {404, ""},
		"/loop":           {502, ""},
		"/no-content":     {204, ""},
		"/nph-own":        {202, "own"},
		"/type-only":      {200, "<p>"},
		"/silent":         {502, ""},
		"/fails":          {502, ""},
		"/garbage":        {502, ""},
		"/crlf":           {502, ""},
		"/long":           {502, ""},
		"/hops":           {200, "whole"},
		"/bad-shebang":    {500, ""},
		"/not-a-program":  {500, ""},
		"/reads-nothing":  {200, "done\n"},
		"/exits-late":     {200, "done\n"},
		"/goes-on":        {200, "done\n"},
		"/leaves-a-child": {200, "done\n"},
	} {
		got := a.Get(path)
		if got.Err != nil || got.Status != want.status || want.status < 500 && want.body != "" && got.Body != want.body {
			t.Errorf("%s: got %d %q, %v; want %d %q", path, got.Status, got.Body, got.Err, want.status, want.body)
		}
	}
	for _, path := range []string{"/killed", "/short"} {
		if got := a.Get(path); got.Err == nil && got.Status == 200 {
			t.Errorf("%s: the response looks complete: %q", path, got.Body)
		}
	}
	if got := a.Do("POST", "/reads-nothing", strings.NewReader(big), nil); got.Status != 200 {
		t.Errorf("got %d, %v for a body that is not read", got.Status, got.Err)
	}
	if got := a.Get("/local-cookie"); got.Header.Get("Location") != "/document" || got.Header.Get("Set-Cookie") != "a=b" {
		t.Errorf("got %v", got.Header)
	}
	if got := a.Get("/nph-own"); got.Header.Get("X-Own") != "yes" {
		t.Errorf("got %v", got.Header)
	}
	if got := a.Do("HEAD", "/document", nil, nil); got.Status != 200 || got.Body != "" {
		t.Errorf("got %d %q", got.Status, got.Body)
	}
	for _, line := range []string{"line=reason", "exited with code 3", "exited with code 7", "MGW-REQ-105"} {
		a.Eventually(line, func() bool { return strings.Contains(a.Log(), line) })
	}
	a.Eventually("a script to go on", func() bool { _, err := os.Stat(a.Root + "/cgi-bin/went-on"); return err == nil })
}

func TestOnlyScriptsOfTheFolderAreExecuted(t *testing.T) {
	d := descriptor(t)
	a := serve(t, d, map[string]string{"ok": plain + "echo ok\n", ".hidden": plain, "folder/inside": plain, "data.txt": "data"})
	a.Write("outside", plain+"echo outside\n")
	for link, to := range map[string]string{"out": "../outside", "absolute": a.Root + "/outside", "inside": "ok"} {
		if err := os.Symlink(to, a.Root+"/cgi-bin/"+link); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.Chmod(a.Root+"/cgi-bin/data.txt", 0o644), syscall.Mkfifo(a.Root+"/cgi-bin/pipe", 0o755)); err != nil {
		t.Fatal(err)
	}
	for path, status := range map[string]int{
		"/ok": 200, "/inside": 200, "/ok/../../x": 200, "/": 404, "//ok": 404, "/.hidden": 404, "/folder": 404, "/folder/inside": 404,
		"/data.txt": 403, "/out": 404, "/absolute": 404, "/pipe": 404, "/../outside": 404, "/%2e%2e/outside": 404, "/..%2foutside": 404,
		"/ok%00": 404, "/missing": 404, "/OK": 404, "/ok%20": 404,
	} {
		if got := a.Get(path); got.Status != status || strings.Contains(got.Body, "outside\n") && status == 200 {
			t.Errorf("%s: got %d %q", path, got.Status, got.Body)
		}
	}
}

func TestOneScriptForAllPaths(t *testing.T) {
	d := descriptor(t)
	d.Mount, d.CGI = "/wiki", &modgw.CGI{Script: d.Root + "/cgi-bin/wiki"}
	a := serve(t, d, map[string]string{"wiki": env})
	a.Want(a.Get("/wiki/Some/Page?x"), 200, "PATH_INFO=/Some/Page\n")
	a.Want(a.Get("/wiki"), 200, "SCRIPT_NAME=/wiki\n")
	a.Write("cgi-bin/wiki", plain+"echo edited\n")
	a.Want(a.Get("/wiki"), 200, "edited\n")
}

func TestScriptsOfOtherLanguages(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("there is no python3 here")
	}
	a := serve(t, descriptor(t), map[string]string{
		"perl": "#!/usr/bin/perl -w\nuse strict;\n$| = 1;\nmy $body = '';\nread(STDIN, $body, $ENV{CONTENT_LENGTH} // 0);\n" +
			"print \"Content-Type: text/plain\\n\\n\", 'perl ', $ENV{PATH_INFO} // '', ' ', $body;\nwarn \"a warning\\n\";\n",
		"python": "#!" + python + "\nimport os, sys\nprint('Content-Type: text/plain\\r\\n\\r\\n', end='')\n" +
			"print('python', os.environ.get('PATH_INFO'), sys.stdin.read(int(os.environ.get('CONTENT_LENGTH', 0))))\n",
		// As in Mailman 2: the names of the list and of the page follow the script's name.
		"admin": "#!/usr/bin/perl\nmy @parts = split m{/}, $ENV{PATH_INFO};\nprint \"Content-type: text/html; charset=us-ascii\\n\\n\",\n" +
			"\"<TITLE>$parts[1] Administration ($parts[2])</TITLE>$ENV{SCRIPT_NAME}\";\n",
	})
	a.Want(a.Do("POST", "/perl/x", strings.NewReader("posted"), nil), 200, "perl /x posted")
	a.Want(a.Do("POST", "/python/x", strings.NewReader("posted"), nil), 200, "python /x posted\n")
	a.Want(a.Get("/admin/friends/members"), 200, "<TITLE>friends Administration (members)</TITLE>/admin")
	// In pieces, without a length: CGI cannot express that, so the script gets the length
	// nevertheless.
	large := strings.Repeat("0123456789", 20000)
	a.Want(a.Do("POST", "/python", struct{ io.Reader }{strings.NewReader(large)}, nil), 200, "python None "+large)
	a.Eventually("warning in the log", func() bool { return strings.Contains(a.Log(), "a warning") })
}

func TestBodiesAreLimited(t *testing.T) {
	d := descriptor(t)
	d.Limits.Body = 100_000
	a := serve(t, d, map[string]string{"cat": plain + "cat\n"})
	for size, status := range map[int]int{100_000: 200, 100_001: 413} {
		text := strings.Repeat("x", size)
		for name, body := range map[string]io.Reader{"known": strings.NewReader(text), "in pieces": struct{ io.Reader }{strings.NewReader(text)}} {
			if got := a.Do("POST", "/cat", body, nil); got.Status != status || status == 200 && got.Body != text {
				t.Errorf("%d bytes, %s: got %d with %d bytes, %v", size, name, got.Status, len(got.Body), got.Err)
			}
		}
	}
	faulttest.Want(t, a.Log(), "MGW-APP-015")
}

const stubborn = sh + "trap '' TERM\necho $$ >pid.new; mv pid.new pid\nsleep 60 & wait; wait\n"

// pid waits for the script to write its process ID.
func pid(a *runnertest.App) (id int) {
	a.Helper()
	a.Eventually("pid", func() bool {
		text, _ := os.ReadFile(filepath.Join(a.Root, "cgi-bin", "pid"))
		id, _ = strconv.Atoi(strings.TrimSpace(string(text)))
		return id != 0
	})
	return id
}

func ended(id int) func() bool {
	return func() bool { return errors.Is(syscall.Kill(-id, 0), syscall.ESRCH) }
}

func TestScriptThatTakesTooLongIsKilledWithItsChildren(t *testing.T) {
	d := descriptor(t)
	d.Timeouts.Request, d.Timeouts.Stop = 2*time.Second, 50*time.Millisecond
	a := serve(t, d, map[string]string{"slow": stubborn})
	a.Want(a.Get("/slow"), 504, "")
	a.Eventually("end", ended(pid(a)))
}

func TestScriptIsEndedWhenItsClientGoes(t *testing.T) {
	d := descriptor(t)
	d.Timeouts.Stop = 50 * time.Millisecond
	d.CGI.Concurrency = 1
	a := serve(t, d, map[string]string{"slow": stubborn, "next": plain + "echo next\n"})
	ctx, cancel := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, "GET", a.URL+"/slow", nil)
	if err != nil {
		t.Fatal(err)
	}
	gone := make(chan error, 1)
	go func() { _, err := http.DefaultClient.Do(r); gone <- err }()
	id := pid(a)
	cancel()
	<-gone
	a.Want(a.Get("/next"), 200, "next") // after the place has become free
	if !errors.Is(syscall.Kill(id, 0), syscall.ESRCH) {
		t.Error("the place was given away before the script had ended")
	}
}

func TestNoMoreScriptsRunThanMay(t *testing.T) {
	d := descriptor(t)
	d.CGI.Concurrency, d.Queue.Max = 2, 1
	d.Timeouts.Stop = time.Second
	a := serve(t, d, map[string]string{"wait": plain + "echo $$ >>began\nwhile [ ! -e go ]; do sleep 0.02; done\necho done\n"})
	results := make(chan runnertest.Answer, 3)
	for range 2 {
		go func() { results <- a.Get("/wait") }()
	}
	a.Eventually("two scripts", func() bool {
		text, _ := os.ReadFile(a.Root + "/cgi-bin/began")
		return strings.Count(string(text), "\n") == 2
	})
	go func() { results <- a.Get("/wait") }()
	a.Eventually("one in the queue", func() bool { return a.Status().Queued == 1 })
	if got := a.Get("/wait"); got.Status != 503 || got.Header.Get("Retry-After") == "" {
		t.Errorf("got %d %v", got.Status, got.Header)
	}
	if s := a.Status(); s.Busy != 2 || s.Capacity != 2 {
		t.Errorf("status %+v", s)
	}
	a.Write("cgi-bin/go", "")
	for range 3 {
		a.Want(<-results, 200, "done")
	}
}

func TestStartNamesWhatIsNotThere(t *testing.T) {
	d := descriptor(t)
	for name, c := range map[string]struct {
		cgi  modgw.CGI
		code string
	}{
		"folder":     {modgw.CGI{Dir: d.Root + "/missing"}, "MGW-CGI-011"},
		"script":     {modgw.CGI{Script: d.Root + "/missing"}, "MGW-CGI-007"},
		"executable": {modgw.CGI{Script: d.Root + "/data"}, "MGW-CGI-008"},
	} {
		if err := os.WriteFile(d.Root+"/data", nil, 0o644); err != nil {
			t.Fatal(err)
		}
		d.CGI = &c.cgi
		_, err := runnertest.Deploy(t, d, newRunner, nil)
		var fault *modgw.Fault
		if !errors.As(err, &fault) {
			t.Fatalf("%s: %v", name, err)
		}
		faulttest.Want(t, err.Error(), c.code)
	}
}

func TestSwapDropsNoRequest(t *testing.T) {
	d := descriptor(t)
	a := serve(t, d, map[string]string{"cat": plain + "cat\n"})
	stop := make(chan struct{})
	var clients sync.WaitGroup
	for range 3 {
		clients.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				text := fmt.Sprint("order ", i)
				a.Want(a.Do("POST", "/cat", strings.NewReader(text), nil), 200, text)
			}
		})
	}
	for range 10 {
		if err := a.Gateway.Deploy(t.Context(), d, "again"); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	clients.Wait()
}

func TestScriptRunsAsItsUser(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can start a script as another user")
	}
	d := descriptor(t)
	d.User = "nobody"
	runnertest.OpenFolders(t, d.Root)
	a := serve(t, d, map[string]string{"id": plain + "id -u; id -G; echo $HOME\n"})
	a.Want(a.Get("/id"), 200, "65534\n65534\n/")
}
