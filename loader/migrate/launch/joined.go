package launch

import (
	"strings"

	"github.com/modgw/modgw/loader/migrate"
)

// joinedLine is a line of a source with those that continue it.
type joinedLine struct {
	place migrate.Place // its first line
	text  string
}

// joinLines returns the lines of a source, each with those that continue it after a backslash.
// Empty lines, and comments, which begin with one of marks, are left out, and between lines that
// belong together those that skip reports.
func joinLines(s migrate.Source, marks string, skip func(next string) bool) (all []joinedLine) {
	lines := s.Lines()
	for i := 0; i < len(lines); i++ {
		l := joinedLine{s.Place(i + 1), strings.TrimSpace(lines[i])}
		if l.text == "" || strings.ContainsRune(marks, rune(l.text[0])) {
			continue
		}
		for strings.HasSuffix(l.text, `\`) && i+1 < len(lines) {
			i++
			if next := strings.TrimSpace(lines[i]); !skip(next) {
				l.text = strings.TrimSpace(strings.TrimSuffix(l.text, `\`)) + " " + next
			}
		}
		all = append(all, l)
	}
	return all
}

// isComment reports whether a line is a comment of a unit or of a Dockerfile.
func isComment(line string) bool { return strings.HasPrefix(line, "#") || strings.HasPrefix(line, ";") }
