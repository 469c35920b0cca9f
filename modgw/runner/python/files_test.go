package python

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// codeFiles returns the files of the worker's code in a folder.
func codeFiles(t *testing.T, dir string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "modgw_worker", "*.py"))
	if err != nil || len(found) < 10 {
		t.Fatalf("%d files, %v", len(found), err)
	}
	return append(found, filepath.Join(dir, "__main__.py"))
}

func TestWorkerCodeThatWasSpoiltIsWrittenAgain(t *testing.T) {
	t.Parallel()
	one := []func(path string) error{
		func(path string) error { return os.Truncate(path, 0) },
		os.Remove,
		func(path string) error { return os.WriteFile(path, []byte("raise SystemExit(9)\n"), 0o644) },
		func(path string) error { return os.Chmod(path, 0) },
		func(path string) error { return firstOf(os.Remove(path), os.Mkdir(path, 0o755)) },
		func(path string) error { return firstOf(os.Remove(path), os.Symlink("/dev/null", path)) },
		func(path string) error { return firstOf(os.Remove(path), syscall.Mkfifo(path, 0o644)) },
		func(path string) error { return os.Truncate(path, 1<<20) }, // longer than it is
	}
	spoilt := -1
	spoil := map[string]func(path string) error{
		"each file in another way": func(path string) error {
			spoilt++
			return one[spoilt%len(one)](path)
		},
		"changed":          one[2],
		"removed":          one[1],
		"shut in":          func(path string) error { return os.Chmod(filepath.Dir(path), 0o700) },
		"gone with it all": func(path string) error { return os.RemoveAll(filepath.Dir(path)) },
	}
	a := prepare(t, gates+`
def application(environ, start_response):
    return ok(start_response, str(os.getpid()))
`)
	own, err := Unpack(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	a.runner.files = own
	if err := a.runner.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	a.listen()
	for what, f := range spoil {
		t.Run(what, func(t *testing.T) {
			dir := a.runner.files.Dir
			for _, path := range codeFiles(t, dir) {
				if err := f(path); err != nil && !os.IsNotExist(err) {
					t.Fatal(err)
				}
			}
			if err := syscall.Kill(a.pid(1), syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			if got := a.get("/"); got.status != 200 {
				t.Fatalf("got %d %q, %v", got.status, got.body, got.err)
			}
			for _, path := range codeFiles(t, dir) {
				if info, err := os.Lstat(path); err != nil || info.Mode() != 0o644 || info.Size() == 0 {
					t.Errorf("%s: %v, %v", path, info, err)
				}
			}
			if info, err := os.Stat(filepath.Join(dir, "modgw_worker")); err != nil || info.Mode().Perm() != 0o755 {
				t.Errorf("folder: %v, %v", info, err)
			}
		})
	}
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func TestUnpackedWorkerIsCompleteAndShared(t *testing.T) {
	t.Parallel()
	state := t.TempDir()
	first, err := Unpack(state)
	if err != nil {
		t.Fatal(err)
	}
	second, err := Unpack(state)
	if err != nil || second.Dir != first.Dir {
		t.Errorf("unpacked twice: %v and %v, %v", first, second, err)
	}
	if !exists(first.Dir+"/__main__.py") || !exists(first.Dir+"/modgw_worker/conn.py") {
		t.Error("files are missing")
	}
}
