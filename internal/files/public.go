package files

import (
	"path"
	"strings"
)

// hiddenSuffixes are the ends of names of files that editors and merges leave behind, and of
// scripts, whose source is private: a web server that runs scripts does not request them from the
// host.
var hiddenSuffixes = []string{
	"~", ".bak", ".orig", ".rej", ".swp", ".swo", ".swn", ".php", ".phtml", ".phar", ".phps",
}

// descriptor is the usual name of a descriptor, which may contain passwords.
const descriptor = "modgw.hcl"

// Public reports whether clients may request a name below a folder. A public name has no empty
// segment, and no segment that begins with a dot, such as ".." and ".git", except "/.well-known/",
// which is meant for the public (RFC 8615). It is not an editor's copy, a script or a descriptor.
func Public(name string) bool {
	for i, segment := range strings.Split(name, "/") {
		if segment == "" || segment[0] == '.' && (i > 0 || segment != ".well-known") {
			return false
		}
	}
	base := path.Base(name)
	if strings.HasPrefix(base, "#") && strings.HasSuffix(base, "#") && len(base) > 1 {
		return false
	}
	lower := strings.ToLower(base)
	if lower == descriptor {
		return false
	}
	for _, suffix := range hiddenSuffixes {
		if strings.HasSuffix(lower, suffix) {
			return false
		}
	}
	return true
}

// HiddenBelow returns a regular expression for the URL paths below prefix that are never served as
// files. It is for the configuration of Apache, nginx and lighttpd, which all use PCRE, and
// contains neither backslashes nor quotation marks.
func HiddenBelow(prefix string) string {
	return "^" + quotePattern(prefix) +
		`(?:(?:.*/)?(?:[.](?!well-known(?:/|$))|#[^/]*#$|(?i:modgw[.]hcl)$)|.*(?:~|[.](?i:bak|orig|rej|sw[pon]|php|phtml|phar|phps))$)`
}

// quotePattern returns a pattern that matches text. A character that only a backslash could quote
// is matched by any character.
func quotePattern(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case strings.ContainsRune(".+*?()|{}[]$", r):
			b.WriteString("[" + string(r) + "]")
		case strings.ContainsRune("^\\\"'", r):
			b.WriteByte('.')
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
