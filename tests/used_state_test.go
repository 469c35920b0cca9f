package tests

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
)

// usedState returns the state folder of a host that has run before, made by the program itself once
// for all tests. Of its parts, the environment of apps without packages and the unpacked worker fit
// every host. The worker has bytecode there, because compiling it takes half of the time in which a
// worker starts.
var usedState = sync.OnceValues(func() (string, error) {
	dir := filepath.Join(temporary, "used")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	for name, text := range map[string]string{
		"app.py":    "def application(environ, start_response):\n    start_response('200 OK', [])\n    return []\n",
		"modgw.hcl": "app \"one\" {\n  wsgi {\n    entry   = \"app.py\"\n    workers = 1\n  }\n}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return "", err
		}
	}
	state := filepath.Join(dir, "state")
	if err := serveOnce(dir, "serve", "modgw.hcl", "--listen", "http=unix:"+filepath.Join(dir, "http.sock"), "--state", state); err != nil {
		return "", err
	}
	pythons, err := filepath.Glob(filepath.Join(state, "envs/*/bin/python"))
	if err != nil {
		return "", err
	}
	for _, python := range pythons { // none, where there is no Python
		out, err := exec.Command(python, "-m", "compileall", "-q", filepath.Join(state, "worker")).CombinedOutput()
		if err != nil {
			return "", fmt.Errorf("%w: %s", err, out)
		}
	}
	return state, nil
})

// serveOnce runs the program until it is ready, and ends it.
func serveOnce(dir string, args ...string) error {
	cmd := exec.Command(program, args...)
	cmd.Dir = dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	var log strings.Builder
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		log.WriteString(lines.Text() + "\n")
		if strings.Contains(lines.Text(), " ready apps=") {
			_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended by itself
		}
	}
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("%w: %s", err, &log)
	}
	return nil
}

// linkUsedState gives a host without a state folder that of a host that has run before, unless the
// test is about the first start.
func (s *site) linkUsedState() {
	s.t.Helper()
	if _, err := os.Lstat(s.path("state")); s.firstStart || len(s.within) > 0 || !errors.Is(err, fs.ErrNotExist) {
		return
	}
	used, err := usedState()
	if err != nil {
		s.t.Fatal(err)
	}
	for _, part := range []string{"worker", "envs"} {
		if err := linkTree(filepath.Join(used, part), s.path(filepath.Join("state", part))); err != nil {
			s.t.Fatal(err)
		}
	}
}

// sharedProgram returns a copy of the program that every user may execute, for all tests.
var sharedProgram = sync.OnceValues(func() (string, error) {
	path := filepath.Join(temporary, "modgw-host.copy")
	data, err := os.ReadFile(program)
	if err != nil {
		return "", err
	}
	return path, os.WriteFile(path, data, 0o755)
})

// copyProgram puts a program that every user may execute into the folder of the site.
func (s *site) copyProgram() {
	s.t.Helper()
	copied, err := sharedProgram()
	if err == nil {
		err = os.Link(copied, s.path("modgw-host"))
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// linkTree makes a copy of a folder whose files are hard links, without the notes on which app has
// used an environment.
func linkTree(from, to string) error {
	return filepath.WalkDir(from, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		target := to + strings.TrimPrefix(path, from)
		switch {
		case e.IsDir():
			return os.MkdirAll(target, 0o755)
		case e.Type() == fs.ModeSymlink:
			leadsTo, err := os.Readlink(path)
			if err == nil {
				err = os.Symlink(leadsTo, target)
			}
			return err
		case filepath.Ext(path) == ".used":
			return nil
		}
		return os.Link(path, target)
	})
}
