package reload

import (
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// Names with a leading dot are those of tools: version control, editors' histories, checkpoints of notebooks, copies of
// files on other systems. As in a shell, "*" and "**" do not match them; a pattern that spells the dot does.

// hidden reports whether a path has a name with a leading dot in it.
func hidden(rel string) bool {
	return strings.HasPrefix(rel, ".") && rel != "." || strings.Contains(rel, "/.")
}

// matchesVisibly reports whether a pattern that matches rel spells out the leading dots of rel's names.
func matchesVisibly(pattern, rel string) bool {
	return !hidden(rel) || matchNames(strings.Split(pattern, "/"), strings.Split(rel, "/"), false)
}

// mayMatchBelow reports whether a file below the folder dir can match pattern.
func mayMatchBelow(pattern, dir string) bool {
	return matchNames(strings.Split(pattern, "/"), strings.Split(dir, "/"), true)
}

// matchNames matches the names of a path against those of a pattern. With below set it matches when some path below the
// one that the names make would.
func matchNames(pattern, names []string, below bool) bool {
	switch {
	case len(names) == 0 && below:
		return len(pattern) > 0
	case len(pattern) == 0:
		return len(names) == 0
	case pattern[0] == "**":
		return matchNames(pattern[1:], names, below) ||
			len(names) > 0 && !hidden(names[0]) && matchNames(pattern, names[1:], below)
	case len(names) == 0:
		return false
	case hidden(names[0]) && !spellsDot(pattern[0]):
		return false
	}
	return doublestar.MatchUnvalidated(pattern[0], names[0]) && matchNames(pattern[1:], names[1:], below)
}

// spellsDot reports whether a pattern of one name begins with a dot, or one of its alternatives does.
func spellsDot(pattern string) bool {
	return strings.HasPrefix(pattern, ".") || strings.Contains(pattern, "{.") || strings.Contains(pattern, ",.")
}
