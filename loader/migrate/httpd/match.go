package httpd

import (
	"path"
	"regexp"
	"strings"
)

// covers reports whether a section counts for all requests of a mount.
func (s section) covers(m *mount) bool {
	switch s.kind {
	case "directory", "directorymatch":
		if m.script == "" {
			return false
		}
		if s.regex {
			return matches(s.name, path.Dir(m.script)+"/")
		}
		return below(m.script, s.name)
	case "files", "filesmatch":
		if s.regex {
			return matches(s.name, path.Base(m.script))
		}
		ok, err := path.Match(s.name, path.Base(m.script))
		return ok && err == nil
	case "location", "locationmatch":
		if s.regex {
			return matches(s.name, m.url) || matches(s.name, strings.TrimSuffix(m.url, "/")+"/")
		}
		return below(m.url, s.name)
	case "proxy", "proxymatch", "if", "elseif", "else", "limit", "limitexcept":
		return false
	}
	return true
}

// touches reports whether a section counts for some requests of a mount.
func (s section) touches(m *mount) bool {
	return s.covers(m) || s.kind == "location" && !s.regex && below(s.name, m.url)
}

// below reports whether a path is another one or below it, by whole segments. The other one may
// have wildcards.
func below(name, top string) bool {
	top = strings.TrimSuffix(top, "/")
	if strings.ContainsAny(top, "*?[") {
		for {
			if ok, err := path.Match(top, name); ok && err == nil {
				return true
			}
			up := path.Dir(name)
			if up == name {
				return false
			}
			name = up
		}
	}
	name = strings.TrimSuffix(name, "/")
	return top == "" || name == top || strings.HasPrefix(name, top+"/")
}

// matches reports whether a regular expression of Apache matches. One that Go cannot compile
// matches nothing.
func matches(pattern, text string) bool {
	re, err := regexp.Compile(pattern)
	return err == nil && re.MatchString(text)
}
