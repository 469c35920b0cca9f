package main

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var updatePages = flag.Bool("update", false, "rewrite what migrate prints in docs/from-*.md")

// fileBlock matches a file in a page: its name in a separate line, and its text in a block. A file
// with an absolute path is a source, any other file a result.
var fileBlock = regexp.MustCompile("(?ms)^`([^`\n]+)`:\n\n```[a-z]*\n(.*?)^```$")

// migrateCommand is the command of a page that makes the results out of the sources.
var migrateCommand = regexp.MustCompile(`(?m)^\$ (?:sudo )?modgw-host (migrate --out new .*)$`)

// TestPagesOfOtherServersShowWhatMigrateWrites runs the command of each page with the sources that
// the page has, and compares the results that it shows.
func TestPagesOfOtherServersShowWhatMigrateWrites(t *testing.T) {
	pages, err := filepath.Glob("../../docs/from-*.md")
	if err != nil || len(pages) < 4 {
		t.Fatal(pages, err)
	}
	for _, page := range pages {
		t.Run(filepath.Base(page), func(t *testing.T) {
			before, err := os.ReadFile(page)
			if err != nil {
				t.Fatal(err)
			}
			after := migratedPage(t, string(before))
			if *updatePages {
				if err := os.WriteFile(page, []byte(after), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if d := cmp.Diff(string(before), after); d != "" {
				t.Errorf("go test ./cmd/modgw-host -run TestPages -update writes what is right now:\n%s", d)
			}
		})
	}
}

// migratedPage returns a page with its results as migrate writes them.
func migratedPage(t *testing.T, page string) string {
	t.Helper()
	root := t.TempDir()
	for _, block := range fileBlock.FindAllStringSubmatch(page, -1) {
		if filepath.IsAbs(block[1]) {
			path := filepath.Join(root, block[1])
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(block[2]), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	command := migrateCommand.FindStringSubmatch(page)
	if command == nil {
		t.Fatal("the page has no command that migrates")
	}
	out := filepath.Join(root, "new")
	args := strings.Fields(command[1])
	for i, arg := range args {
		switch {
		case arg == "new":
			args[i] = out
		case filepath.IsAbs(arg):
			args[i] = filepath.Join(root, arg)
		}
	}
	if code, _, stderr := runVerify(t, args); code != 0 {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	results := 0
	page = fileBlock.ReplaceAllStringFunc(page, func(whole string) string {
		block := fileBlock.FindStringSubmatch(whole)
		if filepath.IsAbs(block[1]) {
			return whole
		}
		results++
		text, err := os.ReadFile(filepath.Join(out, block[1]))
		if err != nil {
			t.Fatal(err)
		}
		shown := strings.ReplaceAll(string(text), root, "")
		return strings.TrimSuffix(whole, block[2]+"```") + strings.TrimRight(shown, "\n") + "\n```"
	})
	if results < 2 {
		t.Errorf("the page shows %d results", results)
	}
	return page
}
