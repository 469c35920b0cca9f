package webconf

import (
	"fmt"
	"path"
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

// glob returns the files that a pattern fits, sorted. A pattern without wildcards is a name.
func (f *files) glob(pattern string) []string {
	if !strings.ContainsAny(pattern, "*?[") {
		return []string{pattern}
	}
	found := []string{"/"}
	for part := range strings.SplitSeq(strings.Trim(filepath.Clean(pattern), "/"), "/") {
		var next []string
		for _, dir := range found {
			next = append(next, f.matching(dir, part)...)
		}
		found = next
	}
	slices.Sort(found)
	return found
}

// matching returns the entries of a folder that one part of a pattern fits.
func (f *files) matching(dir, part string) (found []string) {
	if !strings.ContainsAny(part, "*?[") {
		name := filepath.Join(dir, part)
		if _, err := f.opener.Stat(name); err != nil {
			return nil
		}
		return []string{name}
	}
	entries, err := f.opener.ReadDir(dir)
	if err != nil {
		return nil
	}
	for _, e := range entries {
		hidden := strings.HasPrefix(e.Name(), ".") && !strings.HasPrefix(part, ".")
		if fits, err := path.Match(part, e.Name()); err == nil && fits && !hidden {
			found = append(found, filepath.Join(dir, e.Name()))
		}
	}
	return found
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
