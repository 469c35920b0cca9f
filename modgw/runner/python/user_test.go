package python

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/modgw/modgw/internal/faulttest"
	"github.com/modgw/modgw/internal/runnertest"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/runner/python/zygote"
)

func TestWorkerRunsAsItsUser(t *testing.T) {
	a := prepareForNobody(t)
	if err := a.runner.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	a.listen()
	if got := a.get("/"); !strings.HasPrefix(got.body, "65534 65534 []") {
		t.Errorf("got %d %q", got.status, got.body)
	}
}

func TestTemplateRunsAsTheUser(t *testing.T) {
	a := prepareForNobody(t)
	a.runner.files.Zygotes = new(zygote.Set)
	a.runner.files.Zygotes.Delay = time.Millisecond
	if err := a.runner.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	a.awaitTemplate()
	next := a.next()
	a.runner.Stop(t.Context())
	if got := next.get("/"); !next.forked() || !strings.HasPrefix(got.body, "65534 65534 []") {
		t.Errorf("forked: %t, got %d %q", next.forked(), got.status, got.body)
	}
}

// prepareForNobody makes an app of another user, which answers with its user. Until the end of the
// test it gives this process a umask that must not lock that user out.
func prepareForNobody(t *testing.T) *app {
	t.Helper()
	const interpreter = "/usr/bin/python3"
	if os.Getuid() != 0 {
		t.Skip("only root can start a worker as another user")
	}
	if exec.Command(interpreter, "-c", "").Run() != nil {
		t.Skipf("no %s, which every user may run", interpreter)
	}
	old := syscall.Umask(0o077)
	t.Cleanup(func() { syscall.Umask(old) })
	a := prepare(t, gates+`
def application(environ, start_response):
    return ok(start_response, "%d %d %s %s" % (os.getuid(), os.getgid(), os.getgroups(), os.environ["HOME"]))
`, func(d *modgw.Descriptor) { d.User = "nobody" })
	own, err := Unpack(t.TempDir()) // written under that umask
	if err != nil {
		t.Fatal(err)
	}
	a.runner.files = own
	a.runner.app.Environment = &modgw.Environment{Interpreter: interpreter}
	runnertest.OpenFolders(t, filepath.Dir(filepath.Dir(own.Dir)), a.root)
	if err := os.Chmod(a.path("hello.py"), 0o644); err != nil {
		t.Fatal(err)
	}
	return a
}

func TestRootIsNoUserForAnApp(t *testing.T) {
	t.Parallel()
	_, err := New(modgw.RunnerConfig{Descriptor: modgw.Descriptor{
		Kind: modgw.KindWSGI, WSGI: &modgw.WSGI{}, User: "root",
	}}, Files{})
	if err == nil || !faulttest.Has(err.Error(), "MGW-APP-111") {
		t.Errorf("got %v", err)
	}
}
