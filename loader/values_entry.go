package loader

import (
	"fmt"
	"strings"

	"github.com/modgw/modgw/internal/lazyregexp"
)

// module matches "package.module:callable", "package.module:object.method" and
// "package.module:factory()", whose arguments may be literals of Python.
var module = lazyregexp.New(`^[\pL_][\pL\pN_]*(?:\.[\pL_][\pL\pN_]*)*:[\pL_][\pL\pN_]*(?:\.[\pL_][\pL\pN_]*)*(?:\([^()]*\))?$`)

var bareModule = lazyregexp.New(`^[\pL_][\pL\pN_]*(?:\.[\pL_][\pL\pN_]*)*$`)

// entry is a Python file that exists, or a module with a callable; usual is the callable that hints
// propose.
func entry(dst *string, usual string) value {
	return value{form: "file or module:callable", set: func(l *leaf) {
		s, ok := l.text()
		switch {
		case !ok:
		case s == "":
			l.wrong("%q must not be empty: name a file such as \"app.wsgi\", or \"package.module:%s\".", l.name, usual)
		case isFileEntry(s):
			if p := l.absolute(s); l.entryExists(p, s, usual) {
				*dst = p
			}
		case module.MatchString(s) && pythonFile(s) == "":
			*dst = s
		default:
			l.wrong("%s", join(fmt.Sprintf("%q must be a file, or \"package.module:callable\", not %s.", l.name, l.shown(s)), entryHint(s, usual)))
		}
	}}
}

// isFileEntry distinguishes a file from a module: a module's name has no slash and no such ending.
func isFileEntry(s string) bool {
	return strings.Contains(s, "/") || strings.HasSuffix(s, ".py") || strings.HasSuffix(s, ".wsgi")
}

// pythonFile is the file of an entry that names one with a callable, "app.py:app"; "" for any
// other.
func pythonFile(s string) string {
	if file, _, found := strings.Cut(s, ":"); found && strings.HasSuffix(file, ".py") {
		return file
	}
	return ""
}

// entryHint suggests the entry that was probably meant.
func entryHint(s, usual string) string {
	file := pythonFile(s)
	switch {
	case bareModule.MatchString(s):
		return fmt.Sprintf("For a module, name its callable too: \"%s:%s\".", s, usual)
	case file != "" && !strings.Contains(file, "/"):
		return fmt.Sprintf("Write the module without its ending: \"%s%s\".", strings.TrimSuffix(file, ".py"), s[len(file):])
	}
	return ""
}

// entryExists is exists with the hint for Django's "blog.wsgi", which is the module blog/wsgi.py
// and no file.
func (l *leaf) entryExists(path, written, usual string) bool {
	if stem, ok := strings.CutSuffix(written, ".wsgi"); ok && bareModule.MatchString(stem) {
		if _, err := l.scope.files.stat(path); err != nil {
			asModule := l.absolute(strings.ReplaceAll(written, ".", "/") + ".py")
			if _, err := l.scope.files.stat(asModule); err == nil {
				l.add(codeNotThere, l.rng, fmt.Sprintf("Cannot find %s", l.shown(path)),
					fmt.Sprintf("There is a module: write entry = \"%s:%s\".", written, usual))
				return false
			}
		}
	}
	return l.exists(path, l.rng, false)
}
