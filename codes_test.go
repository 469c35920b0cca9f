package manual_test

import (
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	manual "github.com/modgw/modgw"
	"github.com/modgw/modgw/internal/faulttest"
)

var (
	codePattern  = regexp.MustCompile(`MGW-[A-Z]{3}-[0-9]{3}`)
	entryPattern = regexp.MustCompile(`(?m)^### (MGW-[A-Z]{3}-\d{3})$`)
	explainedAs  = regexp.MustCompile(`(?m)^explained (MGW-[A-Z]{3}-\d{3})$`)
)

// TestEveryErrorCodeIsProvokedAndItsMessageCompared requires each code of troubleshooting.md in a
// Go test of a package whose tests compare messages by faulttest, in a script that does so by its
// command "explained", or in test data next to a message that its entry quotes.
func TestEveryErrorCodeIsProvokedAndItsMessageCompared(t *testing.T) {
	compared := map[string]bool{}
	byFolder := map[string]string{}
	for _, file := range testFiles(t) {
		text, err := os.ReadFile(file)
		if os.IsNotExist(err) {
			continue // deleted, and git does not know it yet
		}
		if err != nil {
			t.Fatal(err)
		}
		if filepath.Ext(file) == ".go" {
			byFolder[path.Dir(file)] += string(text)
			continue
		}
		for _, match := range explainedAs.FindAllStringSubmatch(string(text), -1) {
			compared[match[1]] = true
		}
		for _, code := range codePattern.FindAllString(string(text), -1) {
			compared[code] = compared[code] || faulttest.Has(string(text), code)
		}
	}
	for _, text := range byFolder {
		if !strings.Contains(text, "internal/faulttest\"") {
			continue
		}
		for _, code := range codePattern.FindAllString(text, -1) {
			compared[code] = true
		}
	}
	for _, entry := range entryPattern.FindAllStringSubmatch(manual.Troubleshooting, -1) {
		if !compared[entry[1]] {
			t.Errorf("no test provokes %s and compares its message with the one that troubleshooting.md quotes", entry[1])
		}
	}
}

// testFiles are the tests of all packages and their data.
func testFiles(t *testing.T) []string {
	t.Helper()
	out, err := exec.Command("git", "ls-files", "--cached", "--others", "--exclude-standard", "--",
		"*_test.go", "*/testdata/*.txtar", "*/testdata/*.golden").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(out))
}
