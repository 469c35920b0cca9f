package languagetest

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Each file in testdata has its findings at its end, after the line "want:".
func TestCheckFinds(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".txt")
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			source, want, _ := strings.Cut(string(text), "want:\n")
			found, err := Check(name, source)
			if err != nil {
				t.Fatal(err)
			}
			var lines []string
			for _, f := range found {
				lines = append(lines, fmt.Sprintf("%d %s: %s\n", f.Line, f.Rule, f.Text))
			}
			slices.Sort(lines)
			if got := strings.Join(lines, ""); got != want {
				t.Errorf("found:\n%swant:\n%s", got, want)
			}
		})
	}
}

func TestFilesOfOtherKindsAreNotRead(t *testing.T) {
	for _, file := range []string{"LICENSE", "page.html", "go.sum", "examples/wsgi.txt"} {
		if found, err := Check(file, "nobody and somebody\n"); len(found) > 0 || err != nil {
			t.Errorf("%s: %v, %v", file, found, err)
		}
	}
}

func TestGoThatCannotBeParsedIsAnError(t *testing.T) {
	if _, err := Check("broken.go", "package"); err == nil {
		t.Error("no error")
	}
}
