package python

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// versionTests are the worker's tests that depend most on differences between the versions of
// Python: starting and importing, processes, signals and threads, and asyncio's loop. The worker
// itself branches on two versions, 3.9 for the modules that it reports and 3.12 for eager tasks;
// the oldest and the newest CPython take both branches of each.
var versionTests = []string{"test_hello", "test_lifespan", "test_process", "test_mainthread", "test_gil"}

// TestWorkerKeepsTheContract runs the worker's own tests, in which a small host written in Python
// drives real worker processes, with every interpreter of this machine that the worker supports.
// PyPy and free-threaded versions run only versionTests, and the versions between the oldest and
// the newest CPython run no tests, unless $MODGW_TEST_EVERY_PYTHON is set.
func TestWorkerKeepsTheContract(t *testing.T) {
	t.Parallel()
	interpreters := workerInterpreters(t)
	if len(interpreters) == 0 {
		t.Skip("no Python 3.8 or newer here")
	}
	if testing.Short() {
		interpreters = interpreters[:1]
	}
	for _, interpreter := range interpreters {
		t.Run(interpreter.name, func(t *testing.T) {
			t.Parallel()
			arguments := []string{"-B", "-W", "error::ResourceWarning", "-m", "unittest"}
			every := os.Getenv("MODGW_TEST_EVERY_PYTHON") != ""
			if isBetween(interpreter, interpreters) && !every {
				t.Skip("the oldest and the newest CPython take both branches of all that depends on the version")
			}
			if interpreter.version == "" && !every {
				arguments = append(arguments, versionTests...)
			}
			python := environmentOf(t, interpreter.path)
			command := exec.CommandContext(t.Context(), python, arguments...)
			command.Dir = "worker_test"
			command.Env = append(os.Environ(), "MODGW_TEST_WORKER="+compiledWorker(t, interpreter.path))
			if output, err := command.CombinedOutput(); err != nil {
				t.Errorf("%s: %v\n%s", interpreter.path, err, output)
			}
		})
	}
}

// environmentOf returns the Python of an empty environment. In it, as in the environments of apps,
// a worker does not load the startup hooks of the machine's packages.
func environmentOf(t *testing.T, interpreter string) string {
	t.Helper()
	dir := t.TempDir()
	if output, err := exec.CommandContext(t.Context(), interpreter, "-m", "venv", "--without-pip", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	return filepath.Join(dir, "bin", "python")
}

// compiledWorker returns a copy of the worker's code, compiled once for the workers of many tests.
func compiledWorker(t *testing.T, interpreter string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("worker")); err != nil {
		t.Fatal(err)
	}
	if output, err := exec.CommandContext(t.Context(), interpreter, "-m", "compileall", "-q", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	return dir
}

type workerInterpreter struct {
	path    string
	name    string // "CPython 3.13.0"
	version string // sorts like the version; "" if it is not CPython or has no GIL
}

// isBetween reports whether an interpreter is a CPython and neither the oldest nor the newest.
func isBetween(interpreter workerInterpreter, all []workerInterpreter) bool {
	older, newer := false, false
	for _, other := range all {
		older = older || other.version != "" && other.version < interpreter.version
		newer = newer || other.version > interpreter.version
	}
	return interpreter.version != "" && older && newer
}

const describeInterpreter = `
import sys
if sys.version_info >= (3, 8):
    flags = getattr(sys, "abiflags", "")
    kind = sys.implementation.name
    print({"cpython": "CPython", "pypy": "PyPy"}.get(kind, kind), "%d.%d.%d" % sys.version_info[:3] + flags)
    if kind == "cpython" and "t" not in flags:
        print("%03d.%03d.%03d" % sys.version_info[:3])
`

// workerInterpreters finds the interpreters, each version once.
func workerInterpreters(t *testing.T) []workerInterpreter {
	t.Helper()
	candidates := []string{"python3", "pypy3", "python3.14", "python3.13t", "python3.14t"}
	if home, err := os.UserHomeDir(); err == nil {
		installed, _ := filepath.Glob(filepath.Join(home, ".pyenv", "versions", "*", "bin", "python"))
		candidates = append(candidates, installed...)
	}
	var found []workerInterpreter
	seen := make(map[string]bool)
	for _, candidate := range candidates {
		output, err := exec.CommandContext(t.Context(), candidate, "-I", "-S", "-c", describeInterpreter).Output()
		name, version, _ := strings.Cut(strings.TrimSpace(string(output)), "\n")
		if err != nil || name == "" || seen[name] {
			continue
		}
		seen[name] = true
		found = append(found, workerInterpreter{path: candidate, name: name, version: version})
	}
	return found
}
