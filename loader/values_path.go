package loader

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
	"github.com/hashicorp/hcl/v2"

	"github.com/modgw/modgw/internal/lazyregexp"
)

// path is a path that need not exist yet.
func path(dst *string) value {
	return value{form: "path", set: func(l *leaf) {
		if p, ok := l.path(); ok {
			*dst = p
		}
	}}
}

// paths are paths, or globs, that need not exist yet.
func paths(dst *[]string) value {
	return value{form: "list of paths", set: func(l *leaf) {
		if list, ok := l.paths(); ok {
			*dst = list
		}
	}}
}

func (l *leaf) paths() ([]string, bool) {
	list, ok := l.texts()
	for i, p := range list {
		if p == "" {
			l.failAt(codeValue, l.elementRange(i), fmt.Sprintf("No element of %q may be empty.", l.name))
			return nil, false
		}
		list[i] = l.absolute(p)
	}
	return list, ok
}

// folder is the path of a folder that exists.
func folder(dst *string) value {
	return value{form: "path of a folder", set: func(l *leaf) {
		if p, ok := l.path(); ok && l.exists(p, l.rng, true) {
			*dst = p
		}
	}}
}

// file is the path of a file that exists.
func file(dst *string) value {
	return value{form: "path of a file", set: func(l *leaf) {
		if p, ok := l.path(); ok && l.exists(p, l.rng, false) {
			*dst = p
		}
	}}
}

// existingFiles are paths of files that exist.
func existingFiles(dst *[]string) value {
	return value{form: "list of files", set: func(l *leaf) {
		list, ok := l.paths()
		for i, p := range list {
			ok = l.exists(p, l.elementRange(i), false) && ok
		}
		if ok {
			*dst = list
		}
	}}
}

// rootDir is the folder that all further paths are relative to.
func rootDir(dst *string) value {
	in := folder(dst)
	return value{form: in.form, set: func(l *leaf) {
		if in.set(l); *dst != "" {
			l.scope.dir = *dst
		}
	}}
}

// exists reports, unless there is a file, or folder, at path. Its absence is an error now: a
// descriptor that names something else than is meant would fail with the first request otherwise.
func (l *leaf) exists(path string, rng hcl.Range, folder bool) bool {
	info, err := l.scope.files.stat(path)
	shown := l.shown(path)
	switch {
	case l.scope.opts.Elsewhere && errors.Is(err, fs.ErrNotExist):
		return true
	case err != nil:
		l.add(codeNotThere, rng, fmt.Sprintf("Cannot find %s", shown), join(sentence(reason(err)), l.relativeHint()))
	case folder && !info.IsDir():
		l.add(codeNotThere, rng, fmt.Sprintf("Cannot use %s", shown), fmt.Sprintf("%q must be a folder.", l.name))
	case !folder && info.IsDir():
		l.add(codeNotThere, rng, fmt.Sprintf("Cannot use %s", shown), fmt.Sprintf("%q must be a file, not a folder.", l.name))
	case !folder && info.Mode()&(fs.ModeNamedPipe|fs.ModeSocket|fs.ModeDevice) != 0:
		l.add(codeNotThere, rng, fmt.Sprintf("Cannot use %s", shown), fmt.Sprintf("%q must be a regular file.", l.name))
	default:
		return true
	}
	return false
}

func (l *leaf) relativeHint() string {
	if s, ok := l.literal(); ok && strings.HasPrefix(s, `"/`) {
		return ""
	}
	return fmt.Sprintf("Relative paths begin at %q.", l.scope.dir)
}

// globs are patterns relative to root; an absolute one is for files elsewhere.
func globs(dst *[]string) value {
	return listOf("list of globs", codeValue, dst, func(l *leaf, g string) (_, why string) {
		if !doublestar.ValidatePattern(g) || g == "" {
			why = fmt.Sprintf("%s is not a glob; \"templates/**\" and \"*.html\" are.", l.shown(g))
		}
		return g, why
	})
}

// interpreter is a version of Python, or the path of one.
func interpreter(dst *string) value {
	return parsed("version or path", dst, func(l *leaf, s string) (string, bool) {
		switch {
		case s == "":
			l.wrong("%q must not be empty; leave it out to run what the project asks for.", l.name)
		case strings.ContainsRune(s, '/'):
			p := l.absolute(s)
			return p, l.exists(p, l.rng, false)
		case !pythonVersion.MatchString(s):
			l.wrong("%q must be a version such as \"3.12\", \">=3.10,<3.14\", \"pypy3.9\" or \"3.14t\", or a path, not %s.", l.name, l.shown(s))
		default:
			return s, true
		}
		return "", false
	})
}

var (
	clause        = `\s*(?:[<>=!~]=?=?)?\s*\d+(?:\.(?:\d+|\*))*(?:(?:a|b|rc)\d+)?t?\s*`
	pythonVersion = lazyregexp.New(`^(?:(?:python|cpython|pypy)@?-?(?:\d+(?:\.\d+)*)?t?|` + clause + `(?:,` + clause + `)*)$`)
)

// sentence makes a sentence of the words of the operating system.
func sentence(s string) string {
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + s[1:] + "."
}
