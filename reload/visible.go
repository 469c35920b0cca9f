package reload

import (
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// Names with a leading dot belong to tools: version control, editor histories, checkpoints of
// notebooks, copies from other systems. As in a shell, "*" and "**" do not match them; a pattern
// that spells the dot does.

// isHidden reports whether a path has a name with a leading dot in it.
func isHidden(rel string) bool {
	return strings.HasPrefix(rel, ".") && rel != "." || strings.Contains(rel, "/.")
}

// matchesVisibly reports whether a pattern that matches rel spells out the leading dots of rel's
// names.
func matchesVisibly(pattern, rel string) bool {
	return !isHidden(rel) || matchNames(strings.Split(pattern, "/"), strings.Split(rel, "/"), false)
}

// mayMatchBelow reports whether a file below the folder dir can match pattern.
func mayMatchBelow(pattern, dir string) bool {
	return matchNames(strings.Split(pattern, "/"), strings.Split(dir, "/"), true)
}

// matchNames matches the names of a path with those of a pattern. With below set it matches if some
// path below could.
func matchNames(pattern, names []string, below bool) bool {
	switch {
	case len(names) == 0 && below:
		return len(pattern) > 0
	case len(pattern) == 0:
		return len(names) == 0
	case pattern[0] == "**":
		return matchNames(pattern[1:], names, below) ||
			len(names) > 0 && !isHidden(names[0]) && matchNames(pattern, names[1:], below)
	case len(names) == 0:
		return false
	case isHidden(names[0]) && !spellsDot(pattern[0]):
		return false
	}
	return doublestar.MatchUnvalidated(pattern[0], names[0]) && matchNames(pattern[1:], names[1:], below)
}

// spellsDot reports whether a pattern of one name begins with a dot, or one of its alternatives
// does.
func spellsDot(pattern string) bool {
	return strings.HasPrefix(pattern, ".") || strings.Contains(pattern, "{.") || strings.Contains(pattern, ",.")
}
