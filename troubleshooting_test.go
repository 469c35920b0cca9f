package manual

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	codePattern  = regexp.MustCompile(`MGW-[A-Z]{3}-[0-9]{3}`)
	entryPattern = regexp.MustCompile(`(?m)^### (MGW-[A-Z]{3}-\d{3})\n((?:> .*\n)+)`)
	quotePattern = regexp.MustCompile("(?m)^> `(.*)`$")
)

func TestEveryErrorCodeHasAnEntry(t *testing.T) {
	entries := map[string]bool{}
	for _, match := range entryPattern.FindAllStringSubmatch(Troubleshooting, -1) {
		if entries[match[1]] {
			t.Errorf("%s has two entries", match[1])
		}
		entries[match[1]] = true
	}
	used := map[string]bool{}
	for _, code := range codePattern.FindAllString(source(t), -1) {
		used[code] = true
	}
	for code := range used {
		if !entries[code] {
			t.Errorf("%s has no entry in troubleshooting.md", code)
		}
	}
	for code := range entries {
		if !used[code] {
			t.Errorf("troubleshooting.md has an entry for %s, which no error has", code)
		}
	}
}

func TestQuotedMessagesAreThoseOfTheSource(t *testing.T) {
	text := source(t)
	for _, entry := range entryPattern.FindAllStringSubmatch(Troubleshooting, -1) {
		for _, quote := range quotePattern.FindAllStringSubmatch(entry[2], -1) {
			for piece := range strings.SplitSeq(quote[1], "…") {
				piece = strings.TrimSpace(strings.ReplaceAll(piece, `"`, ""))
				if len(piece) > 3 && !strings.Contains(text, piece) {
					t.Errorf("%s quotes %q, which no source says", entry[1], piece)
				}
			}
		}
	}
}

// source is all Go and Python code but tests, as one text in which quotes in strings are left out.
func source(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("git", "ls-files", "--cached", "--others", "--exclude-standard", "*.go", "*.py").Output()
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	files := strings.Fields(string(out))
	slices.Sort(files)
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") || strings.Contains(file, "test/") || strings.Contains(file, "worker_test/") || strings.HasPrefix(file, "examples/") {
			continue
		}
		text, err := os.ReadFile(file)
		if os.IsNotExist(err) {
			continue // deleted, and git does not know it yet
		}
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	return strings.NewReplacer(`\"`, "", `"`, "").Replace(all.String())
}

// TestEveryErrorCodeIsInATest holds the list of codes that no test names. It may only become shorter: a new code comes
// with a test that provokes it, and a code that has got a test leaves the list.
func TestEveryErrorCodeIsInATest(t *testing.T) {
	text, err := os.ReadFile("testdata/untested-codes.txt")
	if err != nil {
		t.Fatal(err)
	}
	untested := strings.Fields(string(text))
	tested := map[string]bool{}
	for _, code := range codePattern.FindAllString(tests(t), -1) {
		tested[code] = true
	}
	for _, entry := range entryPattern.FindAllStringSubmatch(Troubleshooting, -1) {
		switch code := entry[1]; {
		case !tested[code] && !slices.Contains(untested, code):
			t.Errorf("no test names %s: provoke it, and compare its message", code)
		case tested[code] && slices.Contains(untested, code):
			t.Errorf("%s has a test: take it out of testdata/untested-codes.txt", code)
		}
	}
	for _, code := range untested {
		if !strings.Contains(Troubleshooting, "### "+code+"\n") {
			t.Errorf("testdata/untested-codes.txt has %s, which troubleshooting.md does not explain", code)
		}
	}
}

// tests is the code of all tests and their data, as one text.
func tests(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("git", "grep", "--untracked", "-hoE", codePattern.String(), "--",
		"*_test.go", "*/testdata/*", "*worker_test/*").Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}
