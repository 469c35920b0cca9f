package tests

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/modgw/modgw/internal/faulttest"
	"github.com/modgw/modgw/internal/fronttest"
)

// notRun maps the commands on pages that TestCommandsOfThePagesRun does not run to the reasons. The
// list may only become shorter.
var notRun = map[string]string{
	"scripts/demo": "installs programs", "scripts/test": "is what runs this",
	"go install github.com/modgw/modgw/cmd/modgw-host@latest": "needs the network",
	"cd ~/mysite":             "every command is run in such a folder",
	"modgw-host serve":        "reads the machine's own host file",
	"modgw-host apache run .": "is run by the tests of apache run in this package, with ports of their own",
	"modgw-host dev":          "is run by the tests of dev in this package, with ports of their own",
	"modgw-host apache check": "says what the machine's own Apache lacks",
	"modgw-host run --app blog --listen http=0.0.0.0:8000 blog.hcl": "is run by the tests of run in this package, with ports of their own",
	"modgw-host attach blog":                                                                    "needs an app that says attach = true, as in attach_test.go",
	"modgw-host env shell blog":                                                                 "reads commands",
	"modgw-host check -c /etc/modgw/modgw.hcl":                                                  "reads the machine's own host file",
	"modgw-host logs --id 2qtsam82scl0j":                                                        "is about one request",
	"modgw-host doctor":                                                                         "says what the machine's own web server lacks",
	"modgw-host metrics | grep shop_":                                                           "is about an app with metrics of its own, as in values_test.go",
	"curl -i http://localhost:8000/nowhere":                                                     "is about a fixed port",
	"find public -name '*.css' -exec brotli -k {} + -exec gzip -k {} +":                         "needs brotli",
	"cat /tmp/modgw-$(id -u www-data)/*/log":                                                    "is about another user's files",
	"sudo a2enmod proxy proxy_fcgi alias env headers":                                           "changes the machine's web server",
	"modgw-host apache config | sudo tee /etc/apache2/sites-available/modgw.conf":               "changes the machine's web server",
	"sudo a2ensite modgw && sudo apachectl configtest && sudo systemctl reload apache2":         "changes the machine's web server",
	"sudo modgw-host apache config --split /etc/modgw/apache --reload":                          "changes the machine's web server",
	"apt install ./modgw_*_amd64.deb":                                                           "installs a package",
	"modgw-host enable --apache /srv/blog":                                                      "changes the machine's web server",
	"modgw-host lighttpd config | sudo tee /etc/lighttpd/conf-available/90-modgw.conf":          "changes the machine's web server",
	"sudo lighttpd-enable-mod modgw":                                                            "changes the machine's web server",
	"sudo lighttpd -tt -f /etc/lighttpd/lighttpd.conf && sudo systemctl restart lighttpd":       "changes the machine's web server",
	"modgw-host nginx config | sudo tee /etc/nginx/conf.d/modgw.conf":                           "changes the machine's web server",
	"sudo nginx -t && sudo systemctl reload nginx":                                              "changes the machine's web server",
	"sudo -u www-data modgw-host status --control unix:/tmp/modgw-33/3413b4786294/control.sock": "is about another user's host",
}

// untilSaid maps the commands that run until they are ended to the output that shows that they have
// started.
var untilSaid = map[string]string{
	"modgw-host serve blog.hcl --listen http=127.0.0.1:8000": "ready apps=1 failed=0",
	"modgw-host logs blog -f":                                "generation ready",
}

var (
	consoleBlock   = regexp.MustCompile("(?ms)^```console\n(.*?)^```$")
	consoleCommand = regexp.MustCompile(`(?m)^[$#] (.*?)(?: +#.*)?$`)
)

// TestCommandsOfThePagesRun runs the commands that README and the manual print, as they are
// printed, in the folder of a project whose host runs. A host of the same user is found without
// being named.
func TestCommandsOfThePagesRun(t *testing.T) {
	s, environ := newUsersProject(t)
	s.write("manage.py", "import sys\nassert sys.argv[1:] == ['migrate'], sys.argv\n")
	port := fmt.Sprint(fronttest.FreePort(t))
	begin, passedOver := "modgw-host serve blog.hcl --listen http=127.0.0.1:8000", map[string]bool{}
	s.spawn(environ, strings.Fields(strings.ReplaceAll(begin, "8000", port))[1:]...)

	for _, line := range printedLines(t) {
		switch why, left := notRun[line]; {
		case strings.HasPrefix(line, "sudo modgw-host migrate "):
			// the pages of other servers are compared by the tests of the command, with files of
			// their own
			continue
		case strings.HasPrefix(line, "scripts/bench"), strings.HasPrefix(line, "go run ./bench/"):
			continue // it measures, in the source tree
		case left:
			passedOver[line] = why != ""
			continue
		case line == begin:
			continue // it runs
		}
		t.Run(line, func(t *testing.T) {
			cmd := exec.Command(s.within[0], append(slices.Clone(s.within[1:]), "sh", "-c", "exec "+line)...)
			cmd.Dir, cmd.Env = s.dir, environ
			cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
			said := &output{}
			cmd.Stdout, cmd.Stderr, cmd.WaitDelay = said, said, 10*time.Second
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			if text := untilSaid[line]; text != "" {
				s.eventually(text, func() bool { return strings.Contains(said.String(), text) })
				// the page is not about how the command ends
				_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
				_ = cmd.Wait()
				return
			}
			if err := cmd.Wait(); err != nil {
				t.Errorf("%v\n%s", err, said)
			}
		})
	}
	for line := range notRun {
		if !passedOver[line] {
			t.Errorf("no page prints %q, or the list does not say why it is not run", line)
		}
	}
	if response, err := http.Get(s.url + "/"); err != nil {
		t.Error(err)
	} else if body, err := io.ReadAll(response.Body); err != nil || string(body) != "blog" {
		t.Errorf("in the end the app answers %q, %v", body, err)
	} else {
		response.Body.Close()
	}
}

// newUsersProject creates the folder of an app called blog. Its user has no state folder yet, and
// runs all commands of the site, with the returned environment.
func newUsersProject(t *testing.T) (s *site, environ []string) {
	needsRoot(t) // root's own state folder is the machine's
	s = newSite(t)
	s.programForAll()
	s.write("blog.hcl", "app \"blog\" {\n  wsgi { entry = \"blog/wsgi.py\" }\n}\n")
	s.write("blog/wsgi.py", "def application(environ, start_response):\n    start_response('200 OK', [])\n    return [b'blog']\n")
	s.sh("rm modgw.hcl && chown -R 65534:65534 .")
	s.within = []string{"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"}
	return s, []string{
		"HOME=" + s.dir, "XDG_STATE_HOME=" + s.path("state"), "GORACE=" + os.Getenv("GORACE"),
		"PATH=" + s.dir + ":/usr/local/bin:/usr/bin:/bin:/usr/sbin",
	}
}

func TestAnAppThatIsRunAloneHasTheEnvironmentThatWasBuiltForItAndListensOnLoopback(t *testing.T) {
	s, environ := newUsersProject(t)
	build, ok := s.runWithin(append(append([]string{"env"}, environ...), s.within...), "env", "build", "blog", "-t", "blog.hcl")
	if !ok || !strings.Contains(build, "blog  blog-") {
		t.Fatalf("env build: %s", build)
	}
	port := fmt.Sprint(fronttest.FreePort(t))
	s.spawn(append(environ, "PORT="+port), "run", "--app", "blog", "blog.hcl")
	if s.url != "http://127.0.0.1:"+port {
		t.Errorf("it listens at %s", s.url)
	}
	if code, body := s.get("/"); code != 200 || body != "blog" {
		t.Errorf("it answers %d %q", code, body)
	}
	if strings.Contains(s.log.String(), "environment built") {
		t.Errorf("the environment was built again:\n%s", s.log)
	}
}

// printedLines returns the commands in blocks of README and of the manual's pages, each once.
func printedLines(t *testing.T) (lines []string) {
	t.Helper()
	pages, err := filepath.Glob("../docs/*.md")
	if err != nil || len(pages) == 0 {
		t.Fatal(pages, err)
	}
	for _, page := range append([]string{"../README.md"}, pages...) {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range consoleBlock.FindAllStringSubmatch(string(text), -1) {
			for _, command := range consoleCommand.FindAllStringSubmatch(block[1], -1) {
				if line := strings.TrimSpace(command[1]); !slices.Contains(lines, line) {
					lines = append(lines, line)
				}
			}
		}
	}
	return lines
}

// TestCheckRunsNothingAsRootForAnAppWithAUser covers the Python that an app names, and that check
// runs to get its version.
func TestCheckRunsNothingAsRootForAnAppWithAUser(t *testing.T) {
	needsRoot(t)
	s := newSite(t)
	s.write("own/python", "#!/bin/sh\nid -u >>"+s.path("asked")+"\n")
	s.write("asked", "")
	s.write("own/app.py", "")
	s.write("own/modgw.hcl", "app \"own\" {\n  user = \"nobody\"\n  wsgi { entry = \"app.py\" }\n  python { version = \"./python\" }\n}\n")
	s.sh("chmod 0755 own/python; chmod 0666 asked")
	out, ok := s.run("check", "own/modgw.hcl")
	if ok {
		t.Errorf("what is no Python passes:\n%s", out)
	}
	faulttest.Want(t, out, "MGW-ENV-002")
	asked := strings.Fields(s.read("asked"))
	if len(asked) == 0 || slices.Contains(asked, "0") {
		t.Errorf("the app's Python was run by the users %q", asked)
	}
}

func TestDevListensAtThePortThatItIsGiven(t *testing.T) {
	s, environ := newUsersProject(t)
	port := fmt.Sprint(fronttest.FreePort(t))
	s.url = s.spawnUntil(urlLine, environ, "dev", "blog.hcl", "--port", port)
	if !strings.HasSuffix(strings.TrimSuffix(s.url, "/"), ":"+port) {
		t.Errorf("it says %s", s.url)
	}
	if code, body := get(t, s.url); code != 200 || body != "blog" {
		t.Errorf("it answers %d %q", code, body)
	}
}
