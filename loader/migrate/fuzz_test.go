package migrate_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/modgw/modgw/loader/migrate"
)

// fuzz reads arbitrary text as a source with the given name, beginning with the files of a folder
// of testdata. Reading must end, and each entry and problem must refer to a line of the text.
// Descriptors are written, too.
func fuzz(f *testing.F, o migrate.Options, folder, name string) {
	archives, err := filepath.Glob("testdata/" + folder + "/*.txtar")
	if err != nil || len(archives) == 0 {
		f.Fatalf("no golden files: %v", err)
	}
	for _, archive := range archives {
		parsed, err := txtar.ParseFile(archive)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range parsed.Files {
			if !strings.HasPrefix(file.Name, "want/") {
				f.Add(string(file.Data))
			}
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		p := migrate.Read([]string{path}, o)
		last := strings.Count(text, "\n") + 1
		for _, e := range p.Entries {
			if e.File == path && (e.Line < 0 || e.Line > last) {
				t.Errorf("an entry is outside of the %d lines: %+v", last, e)
			}
		}
		for _, problem := range p.Problems {
			if problem.File == path && problem.Line > last {
				t.Errorf("a problem is outside of the %d lines: %s", last, problem)
			}
		}
		for _, a := range p.Apps {
			p.Descriptor(a)
		}
	})
}
