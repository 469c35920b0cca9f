package python

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/modgw/modgw/internal/faulttest"
	"github.com/modgw/modgw/internal/runnertest"
	"github.com/modgw/modgw/modgw"
)

func TestUserOfTheAppMayAttach(t *testing.T) {
	t.Parallel()
	const python = "/usr/bin/python3"
	if os.Getuid() != 0 {
		t.Skip("only root can be another user")
	}
	if exec.Command(python, "-c", "").Run() != nil {
		t.Skipf("no %s, which every user may run", python)
	}
	a := serveAttached(t, tellPID, func(d *modgw.Descriptor) { d.User = "nobody" })
	path := strings.TrimPrefix(a.attachAddress(), "unix:")
	runnertest.OpenFolders(t, a.runner.files.Dir, filepath.Dir(path), a.root)
	a.attachAs(func(command *exec.Cmd) {
		command.Path = python
		command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	})
	if got := a.get("/"); got.status != 200 {
		t.Errorf("got %d %q", got.status, got.body)
	}
}

func TestStrangersCannotAttach(t *testing.T) {
	t.Parallel()
	const python = "/usr/bin/python3"
	if os.Getuid() != 0 {
		t.Skip("only root can be another user")
	}
	if exec.Command(python, "-c", "").Run() != nil {
		t.Skipf("no %s, which every user may run", python)
	}
	a := serveAttached(t, tellPID)
	path := strings.TrimPrefix(a.attachAddress(), "unix:")
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v", info, err)
	}
	runnertest.OpenFolders(t, a.runner.files.Dir, filepath.Dir(path))
	stranger := func() string {
		command := exec.Command(python, "-m", "modgw_worker", "--attach", a.attachAddress())
		command.Env = []string{"PYTHONPATH=" + a.runner.files.Dir, "PYTHONDONTWRITEBYTECODE=1"}
		command.Dir = "/"
		command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		var output bytes.Buffer
		command.Stdout, command.Stderr = &output, &output
		if err := command.Run(); err == nil {
			t.Error("a stranger was let in")
		}
		return output.String()
	}
	if got := stranger(); !faulttest.Has(got, "MGW-APP-203") {
		t.Errorf("by the mode of the socket: %s", got)
	}
	if err := os.Chmod(path, 0o666); err != nil { // as a careless administrator might
		t.Fatal(err)
	}
	if got := stranger(); !faulttest.Has(got, "MGW-APP-202") {
		t.Errorf("by who it is: %s", got)
	}
	if a.log.Count("cannot let user 65534") != 1 {
		t.Error("the log does not tell")
	}
}
