package manual_test

import (
	"flag"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/modgw/modgw/internal/languagetest"
)

var update = flag.Bool("update", false, "lower the numbers in language.txt to what was found")

const ratchetFile = "language.txt"

// TestLanguageGetsNoWorse compares the findings of internal/languagetest in each folder with
// language.txt, whose numbers may only go down. With -v it shows all findings.
func TestLanguageGetsNoWorse(t *testing.T) {
	text, err := os.ReadFile(ratchetFile)
	if err != nil {
		t.Fatal(err)
	}
	head, _, _ := strings.Cut(string(text), "\n\n")
	ratchet, err := languagetest.ParseRatchet(string(text))
	if err != nil {
		t.Fatalf("%s: %v", ratchetFile, err)
	}
	found := languageFindings(t)
	numbers := languagetest.Count(found)
	if *update {
		lowered, err := ratchet.Lower(numbers)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(ratchetFile, []byte(head+"\n"+lowered.Format()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if string(text) != head+"\n"+ratchet.Format() {
		t.Errorf("%s is not as it would be written: run go test . -run Language -update", ratchetFile)
	}
	for _, d := range ratchet.Compare(numbers) {
		if !d.More() {
			t.Errorf("%s: run go test . -run Language -update", d)
			continue
		}
		t.Errorf("%s: go test . -run Language -v shows them; for a folder that was moved run it with -update", d)
	}
	if testing.Verbose() {
		for _, f := range found {
			t.Log(f)
		}
	}
}

// languageFindings returns the findings in all files that Git knows or would add. The tests that
// compare testdata check it.
func languageFindings(t *testing.T) []languagetest.Finding {
	t.Helper()
	out, err := exec.Command("git", "ls-files", "--cached", "--others", "--exclude-standard").Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []languagetest.Finding
	// Git lists a file in conflict three times.
	for _, file := range slices.Compact(strings.Fields(string(out))) {
		if strings.Contains(file, "testdata/") {
			continue
		}
		text, err := os.ReadFile(file)
		if os.IsNotExist(err) {
			continue // deleted, and git does not know it yet
		}
		if err != nil {
			t.Fatal(err)
		}
		found, err := languagetest.Check(file, string(text))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, found...)
	}
	return all
}
