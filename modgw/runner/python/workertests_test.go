package python

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestWorkerKeepsTheContract runs the worker's own tests, in which a small host written in Python drives real worker
// processes, under every interpreter of this machine that the worker is for.
func TestWorkerKeepsTheContract(t *testing.T) {
	interpreters := workerInterpreters(t)
	if len(interpreters) == 0 {
		t.Skip("no Python 3.8 or newer here")
	}
	if testing.Short() {
		interpreters = interpreters[:1]
	}
	for _, interpreter := range interpreters {
		t.Run(interpreter.version, func(t *testing.T) {
			t.Parallel() // they wait more than they compute
			command := exec.CommandContext(t.Context(), interpreter.path, "-B", "-W", "error::ResourceWarning", "-m", "unittest")
			command.Dir = "worker_test"
			if output, err := command.CombinedOutput(); err != nil {
				t.Errorf("%s: %v\n%s", interpreter.path, err, output)
			}
		})
	}
}

type workerInterpreter struct {
	path, version string
}

// workerInterpreters finds the interpreters, each version once.
func workerInterpreters(t *testing.T) []workerInterpreter {
	t.Helper()
	candidates := []string{"python3", "pypy3", "python3.14", "python3.13t", "python3.14t"}
	if home, err := os.UserHomeDir(); err == nil {
		installed, _ := filepath.Glob(filepath.Join(home, ".pyenv", "versions", "*", "bin", "python"))
		candidates = append(candidates, installed...)
	}
	const describe = "import platform, sys; sys.version_info >= (3, 8) and " +
		"print(platform.python_implementation(), platform.python_version() + getattr(sys, 'abiflags', ''))"
	var found []workerInterpreter
	seen := make(map[string]bool)
	for _, candidate := range candidates {
		output, err := exec.CommandContext(t.Context(), candidate, "-c", describe).Output()
		version := strings.TrimSpace(string(output))
		if err != nil || version == "" || seen[version] {
			continue
		}
		seen[version] = true
		found = append(found, workerInterpreter{path: candidate, version: version})
	}
	return found
}
