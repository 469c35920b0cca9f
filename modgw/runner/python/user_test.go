package python

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/modgw/modgw/modgw"
)

func TestWorkerRunsAsItsUser(t *testing.T) {
	const interpreter = "/usr/bin/python3"
	if os.Getuid() != 0 {
		t.Skip("only root can start a worker as another user")
	}
	if exec.Command(interpreter, "-c", "").Run() != nil {
		t.Skipf("no %s, which every user may run", interpreter)
	}
	old := syscall.Umask(0o077) // a host's umask must not keep the user out
	defer syscall.Umask(old)
	a := prepare(t, gates+`
def application(environ, start_response):
    return ok(start_response, "%d %d %s %s" % (os.getuid(), os.getgid(), os.getgroups(), os.environ["HOME"]))
`, func(d *modgw.Descriptor) { d.User = "nobody" })
	a.runner.config.Environment = &modgw.Environment{Interpreter: interpreter}
	for _, dir := range []string{filepath.Dir(filepath.Dir(a.runner.files.Dir)), a.root} {
		for ; dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
			if err := os.Chmod(dir, 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := os.Chmod(a.path("hello.py"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := a.runner.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	a.listen()
	if got := a.get("/"); !strings.HasPrefix(got.body, "65534 65534 []") {
		t.Errorf("got %d %q", got.status, got.body)
	}
}

func TestRootIsNoUserForAnApp(t *testing.T) {
	_, err := New(modgw.RunnerConfig{Descriptor: modgw.Descriptor{
		Kind: modgw.KindWSGI, WSGI: &modgw.WSGI{}, User: "root",
	}}, Files{})
	if err == nil || !strings.Contains(err.Error(), "MGW-APP-111") {
		t.Errorf("got %v", err)
	}
}
