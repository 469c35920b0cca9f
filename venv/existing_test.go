package venv

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestExistingVenvIsUsedAsItIs(t *testing.T) {
	s := quickSite(t)
	dir := filepath.Join(s.root, ".venv")
	base := s.mustBuild(s.descriptor())
	if out, err := exec.Command(base.Interpreter, "-m", "venv", "--without-pip", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	before := modified(t, dir)
	s.write("requirements.txt", "no-such-package\n")
	d := s.descriptor()
	d.Python.Venv = dir
	env := s.mustBuild(d)
	if env.ID != "" || env.Dir != dir || env.Interpreter != filepath.Join(dir, "bin", "python") || env.Builder != "" ||
		env.Version != base.Version || env.Source != "venv "+dir {
		t.Errorf("got %+v", env)
	}
	if !modified(t, dir).Equal(before) {
		t.Error("the virtual environment was touched")
	}
	fp, err := s.builder().Fingerprint(d)
	if fp == "" || err != nil {
		t.Errorf("Fingerprint = %q, %v", fp, err)
	}
}

func TestWholePythonWithoutAPlainNameIsUsed(t *testing.T) {
	s := newSite(t)
	dir := filepath.Join(s.root, "usr")
	base := s.mustBuild(s.descriptor())
	if out, err := exec.Command(base.Interpreter, "-m", "venv", "--without-pip", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if err := os.Rename(pythonIn(dir), pythonIn(dir)+"3"); err != nil {
		t.Fatal(err)
	}
	d := s.descriptor()
	d.Python.Venv = dir
	if env := s.mustBuild(d); env.Interpreter != pythonIn(dir)+"3" {
		t.Errorf("got %q", env.Interpreter)
	}
}

func modified(t *testing.T, path string) time.Time {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.ModTime()
}

func TestUnusableVenvsAreTold(t *testing.T) {
	s := newSite(t)
	d := s.descriptor()
	d.Python.Venv = filepath.Join(s.root, ".venv")
	if f := s.mustFail(d, "MGW-ENV-021"); !strings.Contains(f.Error(), "no such file") {
		t.Errorf("got %v", f)
	}
	if err := os.MkdirAll(filepath.Join(d.Python.Venv, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/opt/gone/bin/python3", pythonIn(d.Python.Venv)); err != nil {
		t.Fatal(err)
	}
	if f := s.mustFail(d, "MGW-ENV-021"); !strings.Contains(f.Error(), "no such file") {
		t.Errorf("got %v", f)
	}
}
