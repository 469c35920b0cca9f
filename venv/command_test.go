package venv

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/modgw/modgw/modgw"
)

func TestCommandRunsAsTheAppWould(t *testing.T) {
	t.Setenv("HOST_ONLY", "secret")
	s := quickSite(t)
	d := s.descriptor()
	d.Env = map[string]string{"GREETING": "hello"}
	env := s.mustBuild(d)
	cmd, err := Command(env, d, []string{"python", "-c", "import os, sys; print(sys.prefix, os.getcwd(), sorted(os.environ))"})
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{env.Dir + " " + s.root, "'GREETING'", "'VIRTUAL_ENV'", "'PYTHONDONTWRITEBYTECODE'"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("no %q in %s", want, out)
		}
	}
	if strings.Contains(string(out), "HOST_ONLY") {
		t.Errorf("the host's environment came through: %s", out)
	}
}

func TestCommandFindsTheModulesOfTheApp(t *testing.T) {
	s := quickSite(t)
	s.write("lib/first.py", "NAME = 'first of lib'\n")
	s.write("first.py", "NAME = 'first of root'\n")
	s.write("deploy/second.py", "NAME = 'second'\n")
	s.write("third.py", "NAME = 'third'\n")
	s.write("own/fourth.py", "NAME = 'fourth'\n")
	d := s.descriptor()
	d.Python.Path = []string{s.root + "/lib"}
	d.WSGI = &modgw.WSGI{Entry: s.root + "/deploy/web/app.wsgi"}
	s.write("deploy/web/__init__.py", "")
	d.Env = map[string]string{"PYTHONPATH": s.root + "/own"}
	env := s.mustBuild(d)
	// A script outside of the app, like those in bin, finds modules only by sys.path.
	script := t.TempDir() + "/script.py"
	if err := os.WriteFile(script, []byte("import first, second, third, fourth\nprint(first.NAME, second.NAME, third.NAME, fourth.NAME)\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd, err := Command(env, d, []string{"python", script})
	if err != nil {
		t.Fatal(err)
	}
	if out, err := cmd.CombinedOutput(); err != nil || string(out) != "first of lib second third fourth\n" {
		t.Errorf("%v\n%s", err, out)
	}
	d.Kind, d.WSGI, d.HTTP = modgw.KindHTTP, nil, &modgw.HTTP{Command: []string{"true"}}
	s.write("node_modules/.bin/tool", "#!/bin/sh\necho \"tool $PYTHONPATH\"\n")
	if err := os.Chmod(s.root+"/node_modules/.bin/tool", 0o755); err != nil {
		t.Fatal(err)
	}
	if cmd, err = Command(env, d, []string{"tool"}); err != nil {
		t.Fatal(err)
	}
	if out, err := cmd.CombinedOutput(); err != nil || string(out) != "tool "+s.root+"/own\n" {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestCommandOfAnotherUser(t *testing.T) {
	_, d, uid := ownedSite(t)
	cmd, err := Command(&modgw.Environment{}, d, []string{"id", "-u"})
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.Output()
	if got := strings.TrimSpace(string(out)); err != nil || got != strconv.Itoa(int(uid)) {
		t.Errorf("runs as %q, %v; want %d", got, err, uid)
	}
}

func TestCommandThatIsNotThere(t *testing.T) {
	s := newSite(t)
	script := s.write("notes.txt", "")
	for _, args := range [][]string{{"no-such-command"}, {"./none"}, {script}, {s.root}} {
		_, err := Command(&modgw.Environment{}, s.descriptor(), args)
		wantFault(t, nil, err, "MGW-ENV-022")
	}
	if _, err := Command(&modgw.Environment{}, s.descriptor(), nil); err == nil {
		t.Error("nothing was run")
	}
	s.write("bin/tool", "#!/bin/sh\n")
	if err := os.Chmod(s.root+"/bin/tool", 0o755); err != nil {
		t.Fatal(err)
	}
	if cmd, err := Command(nil, s.descriptor(), []string{"bin/tool"}); err != nil || cmd.Path != s.root+"/bin/tool" {
		t.Errorf("got %v, %v", cmd, err)
	}
}
