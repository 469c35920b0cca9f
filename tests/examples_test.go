package tests

import (
	"bufio"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"github.com/modgw/modgw/internal/fronttest"
)

// validated are the lines that wrap an example's app in the validator of the standard library,
// which raises an error when the app or the host breaks a rule of PEP 3333; by the file that they
// are added to.
var validated = map[string]string{
	"hello/hello.wsgi":          "application = validator(application)",
	"flask/guestbook.py":        readToTheEnd + "_create_app = create_app\ndef create_app(): return validator(_create_app())",
	"django/mysite/wsgi.py":     "application = validator(application)",
	"two-versions/old/app.wsgi": "application = validator(application)",
	"two-versions/new/app.wsgi": "application = validator(application)",
	"pypy/app.wsgi":             "application = validator(application)",
	"two-sites/shop/shop.py":    "app = validator(app)",
	"two-sites/notes/notes.py":  "application = validator(application)",
}

// readToTheEnd allows an app to read its input without a size, as Flask does if the host sets
// wsgi.input_terminated; the validator does not know this extension.
const readToTheEnd = "import wsgiref.validate\nwsgiref.validate.InputWrapper.read = lambda self, size=-1: self.input.read(size)\n"

// sandboxed is a host's file that confines all apps, which the examples must not notice.
const sandboxed = `defaults {
  sandbox {}
}
`

// example copies an example and runs it in a sandbox, each app wrapped in the validator.
func example(t *testing.T, name string) *site {
	t.Helper()
	s := &site{t: t, dir: fronttest.Dir(t), log: &output{}}
	s.firstStart = name == "hello" // which newcomers start first
	if err := os.CopyFS(s.path(name), os.DirFS(filepath.Join("..", "examples", name))); err != nil {
		t.Fatal(err)
	}
	for file, lines := range validated {
		if strings.HasPrefix(file, name+"/") {
			text, err := os.ReadFile(s.path(file))
			if err != nil {
				t.Fatal(err)
			}
			s.write(file, string(text)+"\nfrom wsgiref.validate import validator\n"+lines+"\n")
		}
	}
	s.write("host.hcl", s.sandboxOf(name))
	s.spawn(nil, "serve", "-c", s.path("host.hcl"), name, "--listen", "http=127.0.0.1:0", "--state", s.path("state"))
	t.Cleanup(func() {
		if strings.Contains(s.log.String(), "AssertionError") {
			t.Errorf("the validator found fault:\n%s", s.log)
		}
	})
	return s
}

// page returns the body of the answer to a GET request, whose status must be 200.
func (s *site) page(path string) string {
	s.t.Helper()
	code, body := s.get(path)
	if code != http.StatusOK {
		s.t.Errorf("%s: status %d\n%s", path, code, body)
	}
	return body
}

// has fails the test unless text holds all of wanted.
func has(t *testing.T, text string, wanted ...string) {
	t.Helper()
	for _, want := range wanted {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in %q", want, text)
		}
	}
}

func TestExampleHello(t *testing.T) {
	t.Parallel()
	s := example(t, "hello")
	has(t, s.page("/"), "Hello, world! I have been up for")
}

func TestExampleFlask(t *testing.T) {
	t.Parallel()
	s := example(t, "flask")
	has(t, s.page("/guestbook/static/style.css"), "{")
	response, err := http.PostForm(s.url+"/guestbook/", url.Values{"name": {"Ada <Lovelace>"}})
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	page, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if response.Request.URL.Path != "/guestbook/" {
		t.Errorf("redirected to %s", response.Request.URL)
	}
	has(t, string(page), "Ada &lt;Lovelace&gt;")
}

func TestExampleDjango(t *testing.T) {
	t.Parallel()
	s := example(t, "django")
	has(t, s.page("/blog/"), "The first post")
	has(t, s.page("/blog/admin/login/"), "csrfmiddlewaretoken", `href="/blog/static/admin/`)
	has(t, s.page("/blog/static/admin/css/base.css"), "{")
	out := s.mustRun("exec", "blog", "--state", s.path("state"), "--", "python", "manage.py", "showmigrations", "blog")
	has(t, out, "[X] 0001_initial")
}

func TestExampleTwoVersionsOfOnePackage(t *testing.T) {
	t.Parallel()
	s := example(t, "two-versions")
	has(t, s.page("/old"), "click 7.1.2")
	has(t, s.page("/new"), "click 8.1.8")
}

func TestExampleOnAnotherPython(t *testing.T) {
	t.Parallel()
	fronttest.Require(t, "pypy3", "pypy3 pypy3-venv")
	s := example(t, "pypy")
	has(t, s.page("/primes"), "78498 primes", "PyPy 3.9")
}

func TestExampleTwoSitesOnTwoPythonsBehindOneApache(t *testing.T) {
	t.Parallel()
	fronttest.Require(t, "pypy3", "pypy3 pypy3-venv")
	s := example(t, "two-sites")
	has(t, s.page("/shop/"), "CPython 3.11", "8.1.8", `"mount":"/shop"`)
	has(t, s.page("/notes/"), "PyPy 3.9", "7.1.2", `"mount": "/notes"`)
}

func TestExamplePHP(t *testing.T) {
	t.Parallel()
	fronttest.Require(t, "php-cgi", "php-cgi")
	s := example(t, "php")
	has(t, s.page("/any/path"), "answers /any/path")
	has(t, s.page("/greet.php/Ada"), "Hello, Ada!")
	has(t, s.page("/assets/style.css"), "sans-serif")
	s.write("php/public/greet.php", "<?php echo 'edited';")
	has(t, s.page("/greet.php"), "edited")
}

func TestExampleScriptsOfPerl(t *testing.T) {
	t.Parallel()
	s := example(t, "perl-cgi")
	has(t, s.page("/cgi-bin/hello/Ada"), "Hello, Ada!")
	has(t, s.page("/cgi-bin/moved"), "Hello, again!")
}

func TestExampleChat(t *testing.T) {
	t.Parallel()
	s := example(t, "chat")
	has(t, s.page("/chat/"), "new WebSocket")
	first, second := s.dial(t, "/chat/ws?name=Ada"), s.dial(t, "/chat/ws?name=Bea")
	s.eventually("two are in the room", func() bool { return s.page("/chat/people") == "2" })
	if err := first.Write(t.Context(), websocket.MessageText, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	if _, text, err := second.Read(t.Context()); err != nil || string(text) != "Ada: hello" {
		t.Errorf("%q, %v", text, err)
	}
	if err := second.Close(websocket.StatusNormalClosure, ""); err != nil {
		t.Error(err)
	}
	s.eventually("one is left", func() bool { return s.page("/chat/people") == "1" })
}

func TestExampleEvents(t *testing.T) {
	t.Parallel()
	s := example(t, "events")
	has(t, s.page("/events/"), "EventSource")
	response, err := http.Get(s.url + "/events/stream")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	line, err := bufio.NewReader(response.Body).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "data: ") || response.Header.Get("Content-Type") != "text/event-stream" {
		t.Errorf("%q with %v, %v", line, response.Header, err)
	}
}
