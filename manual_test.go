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

func TestTheTestsThatTheManualNamesExist(t *testing.T) {
	out, err := exec.Command("git", "grep", "--untracked", "-hoE", `^(func|    def) (Test|Fuzz|test_)\w+`, "--", "*_test.go", "*.py").Output()
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for line := range strings.Lines(string(out)) {
		known[strings.Fields(line)[1]] = true
	}
	pages, err := filepath.Glob("docs/*.md")
	if err != nil || len(pages) == 0 {
		t.Fatal(pages, err)
	}
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range regexp.MustCompile("`((?:Test|Fuzz|test_)\\w+)`").FindAllStringSubmatch(string(text), -1) {
			if !known[name[1]] {
				t.Errorf("%s names %s, which is no test", page, name[1])
			}
		}
	}
}

// TestFilesThatThePagesForContributorsNameExist looks at names in backquotes that begin with a file
// or folder of the repository.
func TestFilesThatThePagesForContributorsNameExist(t *testing.T) {
	span := regexp.MustCompile("`([\\w.-]+)(/[\\w./-]*)?`")
	for _, page := range []string{"CONTRIBUTING.md", "docs/internals.md"} {
		named := 0
		for _, name := range span.FindAllStringSubmatch(readPage(t, page), -1) {
			if _, err := os.Stat(name[1]); err != nil {
				continue // no file, but a word of code
			}
			named++
			if _, err := os.Stat(name[1] + name[2]); err != nil {
				t.Errorf("%s: %v", page, err)
			}
		}
		if named == 0 {
			t.Errorf("%s names no file", page)
		}
	}
}

var (
	linkPattern    = regexp.MustCompile(`\]\(([^()\s]+)\)`)
	headingPattern = regexp.MustCompile(`(?m)^#+ (.*)$`)
	blockPattern   = regexp.MustCompile("(?ms)^```.*?^```$")
	anchorDropped  = regexp.MustCompile(`[^\pL\pN_ -]`)
)

// TestLinksBetweenPagesLeadSomewhere checks the files and the headings that the pages link to.
func TestLinksBetweenPagesLeadSomewhere(t *testing.T) {
	pages, err := filepath.Glob("docs/*.md")
	if err != nil || len(pages) == 0 {
		t.Fatal(pages, err)
	}
	headings := map[string][]string{} // those of a page; each is read once
	headingsOf := func(page string) []string {
		if headings[page] == nil {
			headings[page] = anchors(readPage(t, page))
		}
		return headings[page]
	}
	for _, page := range append(pages, "README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "troubleshooting.md") {
		for _, link := range linkPattern.FindAllStringSubmatch(readPage(t, page), -1) {
			target, anchor, _ := strings.Cut(link[1], "#")
			if strings.Contains(target, ":") {
				continue // a page elsewhere
			}
			path := page
			if target != "" {
				path = filepath.Join(filepath.Dir(page), target)
			}
			if _, err := os.Stat(path); err != nil {
				t.Errorf("%s links to %s: %v", page, link[1], err)
				continue
			}
			if anchor != "" && !slices.Contains(headingsOf(path), anchor) {
				t.Errorf("%s links to %s, and %s has no such heading", page, link[1], path)
			}
		}
	}
}

// TestEveryPageOfTheManualIsLinkedFromTheReadme holds the README's list of pages complete.
func TestEveryPageOfTheManualIsLinkedFromTheReadme(t *testing.T) {
	pages, err := filepath.Glob("docs/*.md")
	if err != nil || len(pages) == 0 {
		t.Fatal(pages, err)
	}
	readme := readPage(t, "README.md")
	for _, page := range pages {
		if !strings.Contains(readme, "]("+page) {
			t.Errorf("README.md does not link to %s", page)
		}
	}
}

// readPage returns a page without its blocks of code.
func readPage(t *testing.T, page string) string {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	return blockPattern.ReplaceAllString(string(text), "")
}

// anchors are the names under which the headings of a page can be linked to.
func anchors(page string) []string {
	var names []string
	for _, heading := range headingPattern.FindAllStringSubmatch(page, -1) {
		name := anchorDropped.ReplaceAllString(strings.ToLower(heading[1]), "")
		names = append(names, strings.ReplaceAll(name, " ", "-"))
	}
	return names
}

// TestPagesExplainTheWordGeneration looks for the link to its meaning where a page uses it first.
func TestPagesExplainTheWordGeneration(t *testing.T) {
	const link = "[generation](descriptor.md#five-words)"
	pages, err := filepath.Glob("docs/*.md")
	if err != nil || len(pages) == 0 {
		t.Fatal(pages, err)
	}
	code := regexp.MustCompile("`[^`]*`|(?m)^#.*$")
	for _, page := range pages {
		text := code.ReplaceAllString(strings.ReplaceAll(readPage(t, page), "[generations](", "[generation]("), "")
		if page == "docs/descriptor.md" || page == "docs/performance.md" || !strings.Contains(text, "generation") {
			continue
		}
		if at := strings.Index(text, link); at < 0 || at+1 > strings.Index(text, "generation") {
			t.Errorf("%s uses the word before it links to its meaning", page)
		}
	}
}
