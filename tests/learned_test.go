package tests

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// learnVariable is the environment variable with the folder to which the examples write their
// learned lists, or from which they read them.
const learnVariable = "MODGW_TEST_LEARN"

// TestExamplesRunUnderTheListsThatTheyLearn runs the tests of the examples twice: the first time
// the sandbox learns, the second time it allows only the accesses that it has learned.
func TestExamplesRunUnderTheListsThatTheyLearn(t *testing.T) {
	if os.Getenv("MODGW_TEST_STAGED") == "" {
		t.Skip("it takes minutes: set MODGW_TEST_STAGED to run it")
	}
	dir := t.TempDir()
	for _, turn := range []string{"learning", "with the learned lists"} {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestExample[^s]", "-test.v", "-test.timeout", "20m")
		cmd.Env = append(os.Environ(), learnVariable+"="+dir)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", turn, err, out)
		}
		t.Logf("%s: %d examples", turn, strings.Count(string(out), "\n--- PASS"))
	}
}

// sandboxOf returns the host file with the sandbox in which an example runs.
func (s *site) sandboxOf(name string) string {
	dir := os.Getenv(learnVariable)
	if dir == "" {
		return sandboxed
	}
	file := filepath.Join(dir, name)
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		s.t.Cleanup(func() { s.keepLearned(file) })
		return "defaults {\n  sandbox { learn = true }\n}\n"
	}
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		if strings.Contains(s.log.String(), "denied by the sandbox") {
			s.t.Errorf("the learned list denies what the example needs:\n%s\n%s", text, s.log)
		}
	})
	return strings.ReplaceAll(string(text), "{{dir}}", s.dir)
}

// keepLearned writes the lists that the apps of an example have learned, as one list for all of
// them. The host must have ended.
func (s *site) keepLearned(file string) {
	learned, _ := filepath.Glob(s.path("state/private/*/sandbox.hcl")) // the pattern is right
	lists := map[string][]string{"write": nil}
	for _, file := range learned {
		block, err := os.ReadFile(file)
		if err != nil {
			s.t.Fatal(err)
		}
		list := ""
		for line := range strings.Lines(string(block)) {
			line = strings.TrimSpace(line)
			if name, _, begins := strings.Cut(line, " = ["); begins {
				list = name
			} else if strings.HasPrefix(line, `"`) && !slices.Contains(lists[list], line) {
				lists[list] = append(lists[list], line)
			}
		}
	}
	text := "defaults {\n  sandbox {\n"
	for name, entries := range lists {
		text += "    " + name + " = [" + strings.Join(entries, " ") + "]\n"
	}
	text = strings.ReplaceAll(text+"  }\n}\n", s.dir, "{{dir}}")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	s.t.Logf("learned:\n%s", text)
}
