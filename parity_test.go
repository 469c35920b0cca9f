package manual_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var testNamePattern = regexp.MustCompile("`(Test[A-Za-z0-9_]+)`")

// TestEveryTestThatAPageNamesExists holds the tables that say which test shows something.
func TestEveryTestThatAPageNamesExists(t *testing.T) {
	var source strings.Builder
	for _, file := range testFiles(t) {
		if filepath.Ext(file) != ".go" {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil && !os.IsNotExist(err) { // deleted, and git does not know it yet
			t.Fatal(err)
		}
		source.Write(text)
	}
	page, err := os.ReadFile("docs/mod_wsgi.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range testNamePattern.FindAllStringSubmatch(string(page), -1) {
		if !strings.Contains(source.String(), "func "+name[1]+"(") {
			t.Errorf("docs/mod_wsgi.md names %s, which there is not", name[1])
		}
	}
}
