package venv

import "testing"

// What an app's files say is written by others, and must not end the host.
func FuzzWhatAppsSay(f *testing.F) {
	for _, s := range []string{"3.12", ">=3.10,<3.14", "~=3.9", "==3.*", "pypy3.9-7.3.11", "3.14t", block, "-r a.txt \\\n # b\n--hash=x", "[project]\nrequires-python = \"===3\""} {
		f.Add(s)
	}
	three := interpreter{Implementation: cpython, Version: "3.12.1"}
	f.Fuzz(func(t *testing.T, s string) {
		if d, err := parseDemand(s, "test"); err == nil {
			d.misfit(three)
			d.mayBeMinor(12)
		}
		if d, err := parseRange(s, "test"); err == nil {
			d.misfit(three)
		}
		_, _ = readPythonVersion(s)
		_, _ = readRequiresPython(s)
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
	})
}
