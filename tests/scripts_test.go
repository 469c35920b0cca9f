package tests

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/modgw/modgw/internal/fronttest"
)

// scriptApp is an app that a web server executes. It answers with its mount, its process ID and the
// length of the request's body.
const scriptApp = `import os
def application(environ, start_response):
    body = environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [("version 1 pid=%d script=%s path=%s body=%d" % (os.getpid(), environ["SCRIPT_NAME"], environ["PATH_INFO"], len(body))).encode()]
`

// scripts makes a folder that every user may read, with the app and the scripts of both kinds.
func scripts(t *testing.T) *site {
	t.Helper()
	s := &site{t: t, dir: fronttest.Dir(t), log: &output{}}
	s.allowScripts()
	s.write("app/hello.py", scriptApp)
	for _, verb := range []string{"cgi", "fcgi"} {
		name := "app/hello." + verb
		s.writeExecutable(name, "#!/usr/bin/env -S "+s.path("modgw-host")+" "+verb+` --idle 3s
app "hello" {
  wsgi {
    entry   = "hello.py"
    workers = 1
  }
  reload { settle = "50ms" }
}
`)
	}
	return s
}

// allowScripts prepares the site for scripts that any user may run: it copies the program, and
// creates a folder for temporary files. When the test ends, no host of a script may be left.
func (s *site) allowScripts() {
	s.t.Helper()
	s.copyProgram()
	if err := os.Mkdir(s.path("tmp"), 0o755); err != nil {
		s.t.Fatal(err)
	}
	if err := os.Chmod(s.path("tmp"), 0o777|os.ModeSticky); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		s.eventually("no host is left", func() bool { return len(s.residents()) == 0 })
		if s.t.Failed() {
			logs, _ := filepath.Glob(s.path("tmp/modgw-*/*/log"))
			for _, log := range logs {
				text, _ := os.ReadFile(log)
				s.t.Logf("%s:\n%s", log, text)
			}
		}
	})
}

// writeExecutable writes a file that everyone may execute.
func (s *site) writeExecutable(name, text string) {
	s.t.Helper()
	s.write(name, text)
	if err := os.Chmod(s.path(name), 0o755); err != nil {
		s.t.Fatal(err)
	}
}

// residents returns the PIDs of the hosts that scripts have started.
func (s *site) residents() (pids []int) {
	processes, err := os.ReadDir("/proc")
	if err != nil {
		s.t.Fatal(err)
	}
	for _, process := range processes {
		folder := filepath.Join("/proc", process.Name())
		if exe, err := os.Readlink(folder + "/exe"); err != nil || filepath.Base(exe) != "modgw-host" {
			continue // other entries of /proc have no exe, as processes that have ended
		}
		text, err := os.ReadFile(folder + "/cmdline")
		pid, noPID := strconv.Atoi(process.Name())
		if err == nil && noPID == nil && strings.HasPrefix(string(text), s.path("modgw-host")+"\x00resident\x00") {
			pids = append(pids, pid)
		}
	}
	return pids
}

// answersAsOne checks that the script behind a URL is one host with one worker for all clients,
// that it is mounted where it should be, and that an edited app is served.
func (s *site) answersAsOne(url, mount string) {
	s.t.Helper()
	var mu sync.Mutex
	pids := map[string]bool{}
	// A kept connection may be closed by the web server while a POST is sent, which cannot be
	// repeated.
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	var clients sync.WaitGroup
	for i := range 6 {
		clients.Go(func() {
			response, err := client.Post(fmt.Sprintf("%s/path/%d", url, i), "text/plain", strings.NewReader(strings.Repeat("x", 100_000*i)))
			if err != nil {
				s.t.Error(err)
				return
			}
			defer response.Body.Close()
			text, err := io.ReadAll(response.Body)
			want := fmt.Sprintf("script=%s path=/path/%d body=%d", mount, i, 100_000*i)
			if err != nil || response.StatusCode != 200 || !strings.HasSuffix(string(text), want) {
				s.t.Errorf("got %d %q, %v; want %q", response.StatusCode, text, err, want)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			pids[strings.Fields(string(text))[2]] = true
		})
	}
	clients.Wait()
	if len(pids) != 1 || len(s.residents()) != 1 {
		s.t.Errorf("workers %v, hosts %v", pids, s.residents())
	}
	for _, version := range []string{"version 2", "version 1"} {
		s.write("app/hello.py", strings.Replace(scriptApp, "version 1", version, 1))
		s.eventually("the edited app", func() bool { return strings.HasPrefix(s.fetch(url), version) })
	}
}

// fetch returns the text at a URL.
func (s *site) fetch(url string) string {
	s.t.Helper()
	response, err := http.Get(url)
	if err != nil {
		s.t.Error(err)
		return ""
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != 200 {
		s.t.Errorf("got %d %q, %v", response.StatusCode, text, err)
	}
	return string(text)
}

// TestScriptIsAnsweredByAHostThatStays has Apache execute a file in each way that it supports.
func TestScriptIsAnsweredByAHostThatStays(t *testing.T) {
	t.Parallel()
	fronttest.Require(t, "apache2", "apache2 libapache2-mod-fcgid")
	s := scripts(t)
	apache := fronttest.StartApache(t, `
LoadModule cgid_module /usr/lib/apache2/modules/mod_cgid.so
LoadModule fcgid_module /usr/lib/apache2/modules/mod_fcgid.so
ScriptSock `+s.path("cgisock")+`
FcgidIPCDir `+s.path("tmp")+`
FcgidProcessTableFile `+s.path("fcgid_shm")+`
FcgidInitialEnv TMPDIR `+s.path("tmp")+`
FcgidMaxRequestLen 10000000
SetEnv TMPDIR `+s.path("tmp")+`
Alias /app `+s.path("app")+`
<Directory `+s.path("app")+`>
  Options +ExecCGI
  Require all granted
  <Files hello.cgi>
    SetHandler cgi-script
  </Files>
  <Files hello.fcgi>
    SetHandler fcgid-script
  </Files>
</Directory>
RewriteEngine on
RewriteRule ^/pretty(/.*)?$ /app/hello.fcgi$1 [PT]
`)
	// mod_cgid changes the owner of its socket after it has begun to listen. Until then Apache may
	// not connect.
	s.eventually("the socket of mod_cgid is Apache's", func() bool {
		sockets, _ := filepath.Glob(s.path("cgisock*"))
		return slices.ContainsFunc(sockets, func(name string) bool {
			info, err := os.Stat(name)
			return err == nil && (os.Getuid() != 0 || info.Sys().(*syscall.Stat_t).Uid != 0)
		})
	})
	s.answersAsOne(apache.URL+"/app/hello.cgi", "/app/hello.cgi")
	s.eventually("the idle host has ended", func() bool { return len(s.residents()) == 0 })
	s.answersAsOne(apache.URL+"/app/hello.fcgi", "/app/hello.fcgi")
	s.answersAsOne(apache.URL+"/pretty", "/pretty")
}

func TestScriptThatLighttpdStarts(t *testing.T) {
	t.Parallel()
	fronttest.Require(t, "lighttpd", "lighttpd")
	s := scripts(t)
	lighttpd := fronttest.StartLighttpd(t, `
fastcgi.server = ("/hello" => ((
  "bin-path" => "`+s.path("app/hello.fcgi")+`",
  "socket" => "`+s.path("tmp/lighttpd.sock")+`",
  "max-procs" => 2,
  "check-local" => "disable",
  "bin-environment" => ("TMPDIR" => "`+s.path("tmp")+`"),
)))`)
	s.answersAsOne(lighttpd.URL+"/hello", "/hello")
}

func TestScriptThatIsExecutedByHand(t *testing.T) {
	t.Parallel()
	s := scripts(t)
	run := func(environ ...string) (string, string) {
		cmd := exec.Command(s.path("app/hello.cgi"))
		cmd.Env = append([]string{
			"PATH=" + os.Getenv("PATH"), "TMPDIR=" + s.path("tmp"), "GORACE=" + os.Getenv("GORACE"),
		}, environ...)
		var out, problems strings.Builder
		cmd.Stdout, cmd.Stderr = &out, &problems
		_ = cmd.Run() // the output shows how it ended
		return out.String(), problems.String()
	}
	request := []string{"REQUEST_METHOD=GET", "SCRIPT_NAME=/s", "PATH_INFO=/x", "SERVER_NAME=h", "SERVER_PORT=80", "SERVER_PROTOCOL=HTTP/1.1", "QUERY_STRING="}
	if _, problems := run(); !strings.Contains(problems, "no REQUEST_METHOD") {
		t.Errorf("without a request: %q", problems)
	}
	out, problems := run(request...)
	head, body, _ := strings.Cut(out, "\r\n\r\n")
	if !slices.Contains(strings.Split(head, "\r\n"), "Status: 200 OK") || !strings.Contains(body, "script=/s path=/x") {
		t.Errorf("got %q, %q", out, problems)
	}
	// A host that was killed is replaced.
	for _, pid := range s.residents() {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	if out, problems := run(request...); !strings.Contains(out, "script=/s path=/x") {
		t.Errorf("got %q, %q", out, problems)
	}
	// So is a host whose socket was removed.
	sockets, _ := filepath.Glob(s.path("tmp/modgw-*/*/fcgi.sock"))
	for _, socket := range sockets {
		if err := os.Remove(socket); err != nil {
			t.Fatal(err)
		}
	}
	if out, problems := run(request...); len(sockets) == 0 || !strings.Contains(out, "script=/s path=/x") {
		t.Errorf("got %q, %q", out, problems)
	}
	s.eventually("the idle host has ended", func() bool { return len(s.residents()) == 0 })

	// Another user has prepared the folder.
	folders, err := filepath.Glob(s.path("tmp/modgw-*/*"))
	if err != nil || len(folders) == 0 {
		t.Fatalf("folders %v, %v", folders, err)
	}
	if err := os.Chmod(folders[0], 0o777); err != nil {
		t.Fatal(err)
	}
	if out, problems := run(request...); !strings.Contains(problems, "others have rights to it") || strings.Contains(out, "path=/x") {
		t.Errorf("got %q, %q", out, problems)
	}
}
