package manual

import (
	"os"
	"os/exec"
	"path/filepath"
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
	text := source(t) + descriptorMistakes(t)
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

// descriptorMistakes returns the messages in the golden files of descriptors, some of them in HCL's
// own words.
func descriptorMistakes(t *testing.T) string {
	t.Helper()
	files, err := filepath.Glob("loader/testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	var all strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	return all.String()
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
