package tests

import (
	"bufio"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/modgw/modgw/internal/faulttest"
	"github.com/modgw/modgw/internal/fronttest"
	"github.com/modgw/modgw/internal/wheeltest"
)

func TestExampleGoIsBuiltAndBrokenAndMended(t *testing.T) {
	t.Parallel()
	fronttest.Require(t, "go", "golang-go")
	repository, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	s := newSite(t)
	if err := os.CopyFS(s.path("apps/go"), os.DirFS(filepath.Join(repository, "examples", "go"))); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(s.path("apps/go/shop.hcl"), s.path("apps/go/modgw.hcl")); err != nil {
		t.Fatal(err)
	}
	s.write("apps/go/go.mod", "module example.com/shop\n\ngo 1.26.0\n\nrequire github.com/modgw/modgw v0.1.0\n\n"+
		"// As it is here.\nreplace github.com/modgw/modgw => "+repository+"\n")
	s.shareGoCache()
	s.warmGoCache("apps/go")
	s.start("GOPROXY=off")
	has(t, s.page("/shop/"), "0 in the basket", `action="/shop/basket"`)
	response, err := http.PostForm(s.url+"/shop/basket", nil)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	has(t, s.page("/shop/"), "1 in the basket")

	s.edit("apps/go/main.go", "basket.Add(1)", "basket.Add(one)")
	s.eventually("the mistake shows in status", func() bool { return s.status("shop").Failure != nil })
	if f := s.status("shop").Failure; !faulttest.Has(f.Error, "MGW-ENV-026") || !strings.Contains(f.Error, "main.go:") || !strings.Contains(f.Error, "undefined: one") {
		t.Errorf("failure is %s: %s", f.Code, f.Error)
	}
	has(t, s.page("/shop/"), "1 in the basket")

	s.edit("apps/go/main.go", "basket.Add(one)", "basket.Add(100)")
	s.eventually("the new program answers", func() bool { _, body := s.get("/shop/"); return strings.Contains(body, "0 in the basket") })
	if strings.Contains(s.log.String(), "worker killed") {
		t.Error("the old program did not end when it was told to")
	}
}

// shareGoCache makes the host use Go's build cache, because compiling the standard library takes
// long.
func (s *site) shareGoCache() {
	s.t.Helper()
	out, err := exec.Command("go", "env", "GOCACHE").Output()
	if err != nil {
		s.t.Fatal(err)
	}
	folder := s.path(filepath.Join("state", "cache", strconv.Itoa(os.Getuid())))
	if err := os.MkdirAll(folder, 0o755); err != nil {
		s.t.Fatal(err)
	}
	if err := os.Symlink(strings.TrimSpace(string(out)), filepath.Join(folder, "go-build")); err != nil {
		s.t.Fatal(err)
	}
}

// warmGoCache builds a module once as the host will: on a fresh machine, compiling the standard
// library takes longer than the tests wait for the host.
func (s *site) warmGoCache(module string) {
	s.t.Helper()
	build := exec.Command("go", "build", "-buildvcs=false", "-trimpath", "-o", os.DevNull, ".")
	build.Dir = s.path(module)
	build.Env = append(os.Environ(), "GOPROXY=off", "GOFLAGS=")
	if out, err := build.CombinedOutput(); err != nil {
		s.t.Fatalf("%v\n%s", err, out)
	}
}

// edit replaces a text in a file.
func (s *site) edit(name, old, text string) {
	s.t.Helper()
	data, err := os.ReadFile(s.path(name))
	if err != nil {
		s.t.Fatal(err)
	}
	if !strings.Contains(string(data), old) {
		s.t.Fatalf("%s has no %q", name, old)
	}
	s.write(name, strings.ReplaceAll(string(data), old, text))
}

func TestAPythonProgramThatServesItselfIsFoundBuiltEditedAndBroken(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write("apps/board/app.py", `import os
from http.server import BaseHTTPRequestHandler, HTTPServer

import greeting


class Page(BaseHTTPRequestHandler):
    def do_GET(self):
        body = greeting.word.encode() + b" world"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Page).serve_forever()
`)
	if err := os.Mkdir(s.path("wheels"), 0o755); err != nil {
		t.Fatal(err)
	}
	wheel := wheeltest.Write(t, s.path("wheels"), wheeltest.Package{Name: "greeting", Version: "1.0",
		Files: map[string]string{"greeting/__init__.py": "word = 'hello'\n"}})
	s.write("apps/board/requirements.txt", wheel+"\n")
	s.mustRun("init", "apps/board")
	s.start()
	has(t, s.page("/"), "hello world")
	s.edit("apps/board/app.py", `b" world"`, `b" moon"`)
	s.eventually("the new program answers", func() bool { _, body := s.get("/"); return body == "hello moon" })
	s.edit("apps/board/app.py", "do_GET(self)", "do_GET(self")
	s.eventually("the mistake shows in status", func() bool { return s.status("board").Failure != nil })
	if f := s.status("board").Failure; !faulttest.Has(f.Error, "MGW-PRG-002") || !strings.Contains(f.Error, "SyntaxError") {
		t.Errorf("failure is %s: %s", f.Code, f.Error)
	}
	has(t, s.log.String(), `app.py", line 8`)
	has(t, s.page("/"), "hello moon")
	if out := s.mustRun("exec", "board", "-c", "modgw.hcl", "--", "python", "-c", "import greeting; print(greeting.word)"); !strings.Contains(out, "hello") {
		t.Errorf("exec prints %q", out)
	}
}

func TestExampleNode(t *testing.T) {
	t.Parallel()
	fronttest.Require(t, "node", "nodejs")
	s := example(t, "node")
	has(t, s.page("/clock"), "Hello 127.0.0.1", `EventSource("/clock/events")`)
	response, err := http.Get(s.url + "/clock/events")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if line, err := bufio.NewReader(response.Body).ReadString('\n'); !strings.HasPrefix(line, "data: ") {
		t.Errorf("got %q, %v", line, err)
	}
	s.edit("node/server.js", "Hello", "Good day")
	s.eventually("the new program answers", func() bool { _, body := s.get("/clock"); return strings.Contains(body, "Good day") })
}

// A program that cannot start is started again and again. The log has a line for each try, and
// contains the program's output once.
func TestNodeProgramThatIsTriedAgainPrintsOnce(t *testing.T) {
	t.Parallel()
	fronttest.Require(t, "node", "nodejs")
	s := newSite(t)
	s.write("apps/clock/server.js", "require('semver')\n")
	s.write("apps/clock/package.json", `{"dependencies": {"semver": "7"}}`)
	s.write("apps/clock/modgw.hcl", "app \"clock\" {\n  http { command = [\"node\", \"server.js\"] }\n}\n")
	s.start()
	s.eventually("it was tried again twice", func() bool {
		return strings.Count(s.log.String(), "for the same reason as before") >= 2
	})
	log := s.log.String()
	for _, line := range []string{"| node:internal", "| Error: Cannot find module 'semver'", "environment: package.json asks for packages"} {
		if n := strings.Count(log, line); n != 1 {
			t.Errorf("the log has %q %d times:\n%s", line, n, log)
		}
	}
}

func TestFolderOfANodeProjectIsDeveloped(t *testing.T) {
	t.Parallel()
	fronttest.Require(t, "node", "nodejs")
	s := &site{t: t, dir: fronttest.Dir(t), log: &output{}}
	s.write("web/package.json", `{"scripts": {"start": "node server.js"}}`)
	s.write("web/server.js", `require("http").createServer((q, a) => a.end("first")).listen(process.env.PORT)`)
	s.spawn(nil, "dev", "web", "--log-format", "text", "--listen", "127.0.0.1:0", "--state", s.path("state"))
	if code, body := s.get("/"); code != 200 || body != "first" {
		t.Errorf("got %d %q", code, body)
	}
	s.write("web/server.js", `require("http").createServer((q, a) => a.end("second").listen(process.env.PORT)`)
	s.eventually("the page names the mistake", func() bool {
		code, body := s.ask("/", "text/html")
		return code == 500 && strings.Contains(body, "SyntaxError") && strings.Contains(body, "server.js:1")
	})
	s.write("web/server.js", `require("http").createServer((q, a) => a.end("third")).listen(process.env.PORT)`)
	s.eventually("the new program answers", func() bool { _, body := s.get("/"); return body == "third" })
}

func TestNodeProjectIsInstalledAndServed(t *testing.T) {
	t.Parallel()
	fronttest.Require(t, "npm", "npm")
	s := newSite(t)
	s.write("apps/web/package.json", `{"name": "web", "version": "1.0.0", "scripts": {"start": "node server.js"}}`)
	s.write("apps/web/package-lock.json", `{"name": "web", "version": "1.0.0", "lockfileVersion": 3, "packages": {"": {"name": "web", "version": "1.0.0"}}}`)
	s.write("apps/web/server.js", `require("http").createServer((q, a) => a.end("from npm start")).listen(process.env.PORT)`)
	s.write("apps/web/modgw.hcl", `
		app "web" {
		  http { command = ["npm", "start"] }
		  build { command = ["npm", "ci", "--offline"] }
		}
	`)
	s.start()
	if code, body := s.get("/"); code != 200 || body != "from npm start" {
		t.Errorf("got %d %q", code, body)
	}
}
