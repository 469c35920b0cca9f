package manual_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var testNamePattern = regexp.MustCompile("`(Test[A-Za-z0-9_]+)`")

// TestEveryTestThatAPageNamesExists checks the tables that name the tests of a property.
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
	for _, path := range []string{"docs/mod_wsgi.md", "troubleshooting.md"} {
		page, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range testNamePattern.FindAllStringSubmatch(string(page), -1) {
			if !strings.Contains(source.String(), "func "+name[1]+"(") {
				t.Errorf("%s names %s, which there is not", path, name[1])
			}
		}
	}
}

// TestEverySymptomIsWhole checks that an entry by symptom has a fix and the test that covers it.
func TestEverySymptomIsWhole(t *testing.T) {
	page, err := os.ReadFile("troubleshooting.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(page), "\n## By symptom\n")
	section, _, _ = strings.Cut(section, "\n## ")
	symptoms := strings.Split(section, "\n### ")[1:]
	if len(symptoms) < 15 {
		t.Errorf("%d symptoms", len(symptoms))
	}
	for _, symptom := range symptoms {
		for _, part := range []string{"\n**Cause.** ", "\n**Check.** ", "\n**Fix.** ", "\n**Shown by** `Test"} {
			if strings.Count(symptom, part) != 1 {
				title, _, _ := strings.Cut(symptom, "\n")
				t.Errorf("%q has %d of %q", title, strings.Count(symptom, part), part)
			}
		}
	}
}
