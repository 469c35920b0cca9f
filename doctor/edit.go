package doctor

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"

	"github.com/modgw/modgw/internal/atomicfile"
	"github.com/modgw/modgw/internal/safepath"
	"github.com/modgw/modgw/internal/webconf"
)

// edit replaces lines of a file: those from line up to, and without, end. Lines are counted from 1;
// an edit with line and end equal inserts text before the line. One with a mode changes the rights
// of the file, and not its content.
type edit struct {
	file      string
	line, end int
	text      []string
	mode      fs.FileMode // permission bits; 0: unchanged
}

// insertBefore writes lines before a directive, indented as it is.
func insertBefore(d *webconf.Directive, lines ...string) edit {
	if !beginsLine(d) {
		return change(d, func(text string) string {
			return strings.Replace(text, d.Name, strings.Join(lines, " ")+" "+d.Name, 1)
		})
	}
	return edit{file: d.File, line: d.Line, end: d.Line, text: indented(indentOf(d.File, d.Line), lines)}
}

// insertInto writes lines at the beginning of a section, indented as its content is.
func insertInto(section *webconf.Directive, lines ...string) edit {
	first := lineAfterHead(section)
	indent := indentOf(section.File, section.Line) + "    "
	if len(section.Children) > 0 && section.Children[0].File == section.File {
		if section.Children[0].Line < first { // the block begins and has content on one line
			return change(section, func(text string) string {
				return strings.Replace(text, "{", "{ "+strings.Join(lines, " "), 1)
			})
		}
		indent = indentOf(section.File, section.Children[0].Line)
	}
	return edit{file: section.File, line: first, end: first, text: indented(indent, lines)}
}

// beginsLine reports whether a directive is the first one on its line.
func beginsLine(d *webconf.Directive) bool {
	lines, err := readLines(d.File)
	if err != nil || d.Line > len(lines) {
		return true
	}
	text := strings.TrimLeft(lines[d.Line-1], " \t<")
	return len(text) >= len(d.Name) && strings.EqualFold(text[:len(d.Name)], d.Name)
}

// sharesLine reports whether the lines of a directive that ends with ";" have other directives.
func sharesLine(d *webconf.Directive) bool {
	lines, err := readLines(d.File)
	if err != nil || d.End > len(lines) {
		return false
	}
	text := strings.Join(lines[d.Line-1:d.End], "\n")
	code, _, _ := strings.Cut(text, " #")
	return strings.HasSuffix(strings.TrimSpace(code), ";") && strings.Count(code, ";") > 1 || !beginsLine(d) ||
		strings.HasSuffix(strings.TrimSpace(code), "}")
}

// own is the text of a directive of nginx on a line that it shares.
func own(d *webconf.Directive) *regexp.Regexp {
	first := ""
	if len(d.Args) > 0 {
		first = `["']?` + regexp.QuoteMeta(d.Args[0])
	}
	return regexp.MustCompile(`\b` + regexp.QuoteMeta(d.Name) + `\s+` + first + `[^;{}]*;`)
}

// lineAfterHead is the line after those that begin a section, which may be several.
func lineAfterHead(section *webconf.Directive) int {
	lines, err := readLines(section.File)
	if err != nil {
		return section.Line + 1
	}
	for n := section.Line; n < section.End && n <= len(lines); n++ {
		if line := strings.TrimSpace(lines[n-1]); !strings.HasSuffix(line, `\`) {
			return n + 1
		}
	}
	return section.Line + 1
}

// replace writes a line in place of a directive, indented as it is.
func replace(d *webconf.Directive, line string) edit {
	if sharesLine(d) {
		return change(d, func(text string) string { return replaceFirst(own(d), text, line) })
	}
	return edit{file: d.File, line: d.Line, end: d.End + 1, text: indented(indentOf(d.File, d.Line), []string{line})}
}

// remove takes a directive out.
func remove(d *webconf.Directive) edit {
	if sharesLine(d) {
		return change(d, func(text string) string { return replaceFirst(own(d), text, "") })
	}
	return edit{file: d.File, line: d.Line, end: d.End + 1}
}

// replaceFirst replaces the first place that a pattern fits.
func replaceFirst(pattern *regexp.Regexp, text, with string) string {
	at := pattern.FindStringIndex(text)
	if at == nil {
		return text
	}
	return text[:at[0]] + with + text[at[1]:]
}

// change replaces the text of a directive, line breaks included, by the result of a function.
func change(d *webconf.Directive, with func(string) string) edit {
	lines, err := readLines(d.File)
	if err != nil || d.End > len(lines) {
		return edit{file: d.File, line: d.Line, end: d.Line}
	}
	text := with(strings.Join(lines[d.Line-1:d.End], "\n"))
	return edit{file: d.File, line: d.Line, end: d.End + 1, text: strings.Split(text, "\n")}
}

func indented(indent string, lines []string) []string {
	lines = slices.Clone(lines)
	for i := range lines {
		lines[i] = indent + lines[i]
	}
	return lines
}

// indentOf is the white space before a line.
func indentOf(file string, line int) string {
	lines, err := readLines(file)
	if err != nil || line < 1 || line > len(lines) {
		return ""
	}
	text := lines[line-1]
	return text[:len(text)-len(strings.TrimLeft(text, " \t"))]
}

// maxFileSize bounds the files of a configuration, in bytes.
const maxFileSize = 16 << 20

// readLines reads a file with the rights of everyone who could have put another one in its place.
func readLines(file string) ([]string, error) {
	text, err := safepath.Opener{}.ReadFile(file, maxFileSize)
	return strings.Split(string(text), "\n"), err
}

// backup is a file as it was before edits.
type backup struct {
	file string
	text []byte
	info fs.FileInfo
}

// apply carries out edits and returns the previous contents of the files. If one edit fails, no
// file is changed.
func apply(edits []edit) (before []backup, err error) {
	byFile := map[string][]edit{}
	var names []string
	for _, e := range edits {
		name, err := filepath.EvalSymlinks(e.file)
		if err != nil {
			return nil, notEdited(e.file, err)
		}
		if byFile[name] == nil {
			names = append(names, name)
		}
		byFile[name] = append(byFile[name], e)
	}
	for _, name := range names {
		b, err := readForEdit(name)
		if err == nil {
			err = b.write(edited(b.text, byFile[name]), modeAfter(b.info, byFile[name]))
		}
		if err != nil {
			return nil, notEdited(name, joined(err, restore(before)))
		}
		before = append(before, b)
	}
	return before, nil
}

func joined(err, other error) error {
	if other == nil {
		return err
	}
	return fmt.Errorf("%w; %w", err, other)
}

// restore writes files as they were.
func restore(before []backup) error {
	for _, b := range before {
		if err := b.write(b.text, b.info.Mode().Perm()); err != nil {
			return notEdited(b.file, err)
		}
	}
	return nil
}

// readForEdit reads a file that this process may replace. Neither the file nor a folder above it
// may be in the hands of a user who is neither root nor this process's own: such a user could
// lead the edit elsewhere.
func readForEdit(name string) (backup, error) {
	for path := name; ; path = filepath.Dir(path) {
		info, err := os.Lstat(path)
		if err != nil {
			return backup{}, err
		}
		if owner, foreign := foreignWriter(info, path != name); foreign {
			return backup{}, fmt.Errorf("%s can be changed by %s", path, owner)
		}
		if path == filepath.Dir(path) {
			break
		}
	}
	info, err := os.Lstat(name)
	if err != nil {
		return backup{}, err
	}
	switch {
	case info.IsDir():
		return backup{name, nil, info}, nil
	case !info.Mode().IsRegular():
		return backup{}, fmt.Errorf("it is no regular file")
	}
	text, err := os.ReadFile(name)
	return backup{name, text, info}, err
}

// foreignWriter reports who may change a file or folder other than root and this process's user.
func foreignWriter(info fs.FileInfo, folder bool) (who string, foreign bool) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	switch {
	case !ok:
		return "unknown users", true
	case stat.Uid != 0 && stat.Uid != uint32(os.Geteuid()):
		return fmt.Sprintf("user %d", stat.Uid), true
	case folder && info.Mode()&fs.ModeSticky != 0:
		return "", false // others cannot replace the files in a sticky folder
	case info.Mode()&0o002 != 0:
		return "every user", true
	case info.Mode()&0o020 != 0 && stat.Gid != 0 && stat.Gid != uint32(os.Getegid()):
		return fmt.Sprintf("group %d", stat.Gid), true
	}
	return "", false
}

// modeAfter is the mode of a file after edits.
func modeAfter(info fs.FileInfo, edits []edit) fs.FileMode {
	mode := info.Mode().Perm()
	for _, e := range edits {
		if e.mode != 0 {
			mode = e.mode
		}
	}
	return mode
}

// write replaces the file in one step. The new one has the owner of the old one.
func (b backup) write(text []byte, mode fs.FileMode) error {
	if b.info.IsDir() {
		return os.Chmod(b.file, mode)
	}
	stat := b.info.Sys().(*syscall.Stat_t)
	return atomicfile.WriteAs(b.file, text, mode, int(stat.Uid), int(stat.Gid))
}

// edited is a text with edits carried out, the last ones in it first.
func edited(text []byte, edits []edit) []byte {
	lines := strings.Split(string(text), "\n")
	edits = slices.Clone(edits)
	slices.SortStableFunc(edits, func(a, b edit) int { return b.line - a.line })
	for _, e := range edits {
		if e.mode != 0 {
			continue
		}
		from, to := min(e.line-1, len(lines)), min(e.end-1, len(lines))
		lines = slices.Concat(lines[:from], e.text, lines[to:])
	}
	result := []byte(strings.Join(lines, "\n"))
	if bytes.HasSuffix(text, []byte("\n")) && !bytes.HasSuffix(result, []byte("\n")) {
		result = append(result, '\n')
	}
	return result
}
