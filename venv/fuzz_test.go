package venv

import (
	"testing"

	"github.com/BurntSushi/toml"
)

// The app's files are written by others, and must not end the host.
func FuzzWhatAppsSay(f *testing.F) {
	for _, s := range []string{"3.12", ">=3.10,<3.14", "~=3.9", "==3.*", "pypy3.9-7.3.11", "3.14t", block, "-r a.txt \\\n # b\n--hash=x", "[project]\nname = \"x\"\n[project.optional-dependencies]\na = [\"x[b]\"]\nb = [\"x[a]\"]\n[dependency-groups]\na = [{include-group = \"b\"}]\nb = [\"y\"]\n", "lock-version = \"1.0\"\n[[packages]]\nname = \"x\"\nversion = \"1\"\nwheels = [{hashes = {sha256 = \"0\"}}]\n", "-e ./lib[web]", "[project]\nrequires-python = \"===3\""} {
		f.Add(s)
	}
	three := interpreter{Implementation: cpython, Version: "3.12.1"}
	f.Fuzz(func(t *testing.T, s string) {
		if d, err := parseDemand(s, "test"); err == nil {
			d.mismatch(three)
			d.mayBeMinor(12)
		}
		if d, err := parseRange(s, "test"); err == nil {
			d.mismatch(three)
		}
		_, _ = new(inputs).readPythonVersion(s)
		_, _ = new(inputs).readRequiresPython(s)
		for _, line := range logicalLines(s) {
			if line.text == "" || line.number < 1 {
				t.Errorf("line %d is %q", line.number, line.text)
			}
			includedFile(line.text)
		}
		if _, line, err := parseScript(s); err == nil && line < 0 {
			t.Errorf("a block in line %d", line)
		}
		plain(s)
		installationPart(s)
		localPath(s)
		npmPart([]byte(s))
		_ = nodeFiles{nodeInputs[0]: []byte(s)}.check()
		var project pyproject
		if toml.Unmarshal([]byte(s), &project) == nil {
			for name := range project.Groups {
				_, _ = project.group(name, nil, map[string]bool{})
			}
			for name := range project.Project.Optional {
				_, _ = project.extra(name, map[string]bool{})
			}
		}
		var lock pylock
		if toml.Unmarshal([]byte(s), &lock) == nil {
			_, _ = lock.pins()
		}
	})
}
