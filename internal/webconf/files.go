package webconf

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/modgw/modgw/internal/safepath"
)

// Limits of the input. They stop a configuration that includes itself.
const (
	maxFileSize = 16 << 20
	maxFiles    = 10_000
	maxDepth    = 64
)

// SyntaxError is a syntax error in a configuration, with its place.
type SyntaxError struct {
	File string // absolute path
	Line int    // from 1; 0 for the whole file
	Text string // the mistake
}

func (e *SyntaxError) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%s: %s", e.File, e.Text)
	}
	return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Text)
}

// files are the files of one configuration. Each is opened with only the rights of all users who
// could have replaced it.
type files struct {
	opener safepath.Opener
	read   []string
	open   []string // files that include each other at present
}

// enter reads a file, which the caller must leave after parsing it.
func (f *files) enter(name string) (string, error) {
	if len(f.open) >= maxDepth || len(f.read) >= maxFiles {
		return "", &SyntaxError{File: name, Text: "too many files include each other"}
	}
	data, err := f.opener.ReadFile(name, maxFileSize)
	if err != nil {
		return "", err
	}
	f.open = append(f.open, name)
	f.read = append(f.read, name)
	return strings.ReplaceAll(string(data), "\r\n", "\n"), nil
}

func (f *files) leave() { f.open = f.open[:len(f.open)-1] }

// glob returns the files that a pattern fits, sorted. A pattern without wildcards is a name, and
// wildcards fit no name that begins with a dot.
func (f *files) glob(pattern string) []string {
	if !strings.ContainsAny(pattern, wildcards) {
		return []string{pattern}
	}
	pattern = strings.Trim(filepath.Clean(pattern), "/")
	found, _ := fs.Glob(f.opener.FS("/"), pattern) // a pattern with a mistake fits nothing
	parts := strings.Split(pattern, "/")
	found = slices.DeleteFunc(found, func(name string) bool {
		for i, part := range strings.Split(name, "/") {
			if part[0] == '.' && parts[i][0] != '.' {
				return true
			}
		}
		return false
	})
	for i, name := range found {
		found[i] = "/" + name
	}
	slices.Sort(found)
	return found
}

// wildcards are the characters that make a name a pattern.
const wildcards = "*?["

// include reads, by read, the files that a directive names, in a folder where it names none.
func (f *files) include(d *Directive, root string, read func(name string) error) error {
	pattern := d.Arg(0)
	if !filepath.IsAbs(pattern) {
		pattern = filepath.Join(root, pattern)
	}
	for _, name := range f.glob(pattern) {
		if err := included(d, read(name)); err != nil {
			return err
		}
	}
	return nil
}

// included is the error of a file that a directive includes: a mistake in it, or of the directive.
func included(d *Directive, err error) error {
	if _, broken := err.(*SyntaxError); err == nil || broken {
		return err
	}
	return &SyntaxError{File: d.File, Line: d.Line, Text: "cannot read a file that it includes: " + err.Error()}
}

// isFolder reports whether there is a folder of that name.
func (f *files) isFolder(name string) bool {
	info, err := f.opener.Stat(name)
	return err == nil && info.IsDir()
}

// exists reports whether there is a file or folder of that name.
func (f *files) exists(name string) bool {
	_, err := f.opener.Stat(name)
	return err == nil
}
