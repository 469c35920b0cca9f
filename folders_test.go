package manual

import (
	"io/fs"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestEveryPackageStandsInTheMapOfFolders looks for the folders with Go code in the tables of
// CONTRIBUTING.md. Nested modules and examples are listed there as a whole.
func TestEveryPackageStandsInTheMapOfFolders(t *testing.T) {
	t.Parallel()
	mapped := foldersOfMap(readPage(t, "CONTRIBUTING.md"))
	whole := map[string]bool{"bench": true, "tests": true, "examples": true, "testdata": true, ".git": true}
	missing := map[string]bool{}
	err := filepath.WalkDir(".", func(file string, entry fs.DirEntry, err error) error {
		folder := filepath.Dir(file)
		switch {
		case err != nil:
			return err
		case entry.IsDir() && whole[entry.Name()]:
			return fs.SkipDir
		case folder == ".", !strings.HasSuffix(file, ".go"), strings.HasSuffix(file, "_test.go"):
		case !mapped[folder] && !missing[folder]:
			missing[folder] = true
			t.Errorf("CONTRIBUTING.md has no line for %s", folder)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// foldersOfMap returns the folders in the first columns of the tables of a page. "…/x" is next to
// the name before it, and "x/{a,b}" is two names.
func foldersOfMap(page string) map[string]bool {
	span := regexp.MustCompile("`([^`{]+)(?:\\{([^`]+)\\})?`")
	folders := map[string]bool{}
	for line := range strings.Lines(page) {
		cell, found := strings.CutPrefix(line, "| ")
		if !found {
			continue
		}
		cell, _, _ = strings.Cut(cell, " |")
		before := ""
		for _, name := range span.FindAllStringSubmatch(cell, -1) {
			folder := name[1]
			if rest, beside := strings.CutPrefix(folder, "…/"); beside {
				folder = path.Join(path.Dir(before), rest)
			}
			for part := range strings.SplitSeq(name[2], ",") {
				folders[path.Join(folder, part)] = true
			}
			before = folder
		}
	}
	return folders
}
