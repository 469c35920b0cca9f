package migrate

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/modgw/modgw/internal/safepath"
)

// largestSource is the largest size of a source, in bytes.
const largestSource = 4 << 20

// Source is a file with the configuration of another server.
type Source struct {
	Path string // absolute, or as it was named when it was not read from a file
	Text string // UTF-8, with lines that end in "\n"
}

// Place is a line of the source.
func (s Source) Place(line int) Place { return Place{s.Path, line} }

// Lines are the lines of the source without their ends.
func (s Source) Lines() []string { return strings.Split(s.Text, "\n") }

// Files opens the files that sources name, and remembers each.
type Files struct {
	opener safepath.Opener
	opened []string
}

// Opened are the paths of all files that were read, in the order of their reading.
func (f *Files) Opened() []string { return slices.Clone(f.opened) }

// Read reads a source. The error is the reason why it cannot be used, without the path.
func (f *Files) Read(path string) (Source, error) {
	text, err := f.opener.ReadFile(path, largestSource)
	if err != nil {
		return Source{}, errors.New(reason(err))
	}
	if bytes.IndexByte(text, 0) >= 0 {
		return Source{}, errors.New("it is not text")
	}
	if !slices.Contains(f.opened, path) {
		f.opened = append(f.opened, path)
	}
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	clean := strings.ReplaceAll(string(text), "\r\n", "\n")
	if !utf8.ValidString(clean) {
		clean = latin1(clean)
	}
	return Source{path, clean}, nil
}

// latin1 is text that is not UTF-8 read as ISO 8859-1, in which each byte is a character.
func latin1(text string) string {
	var b strings.Builder
	for i := range len(text) {
		b.WriteRune(rune(text[i]))
	}
	return b.String()
}

// Exists reports whether there is anything at path.
func (f *Files) Exists(path string) bool {
	_, err := f.opener.Stat(path)
	return err == nil
}

// IsDir reports whether there is a folder at path.
func (f *Files) IsDir(path string) bool {
	info, err := f.opener.Stat(path)
	return err == nil && info.IsDir()
}

// List returns the names in a folder, sorted; none when it cannot be read.
func (f *Files) List(dir string) []string {
	entries, err := f.opener.ReadDir(dir)
	if err != nil {
		return nil
	}
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// Glob returns the paths that an absolute pattern matches, sorted. As in a shell, "*" matches no
// slash.
func (f *Files) Glob(pattern string) []string {
	for strings.Contains(pattern, "**") { // which would go through all folders below
		pattern = strings.ReplaceAll(pattern, "**", "*")
	}
	dir, rest := doublestar.SplitPattern(pattern)
	names, err := doublestar.Glob(f.opener.FS(dir), rest)
	if err != nil {
		return nil
	}
	for i, name := range names {
		names[i] = filepath.Join(dir, name)
	}
	slices.Sort(names)
	return names
}

// reason is an error of the file system without the path.
func reason(err error) string {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		err = path.Err
	}
	if errors.Is(err, fs.ErrNotExist) {
		return "there is no such file"
	}
	return err.Error()
}

// Show is text of a source for a message: one line, without control characters, at most 200 bytes.
func Show(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == utf8.RuneError {
			return ' '
		}
		return r
	}, text)
	if len(text) > 400 {
		text = strings.ToValidUTF8(text[:400], "") + "…"
	}
	return text
}

// Quote is Show in quotation marks.
func Quote(text string) string { return fmt.Sprintf("%q", Show(text)) }
