// Package mistake finds the place of a mistake in the app's own code in the output of a compiler or
// interpreter. It supports the Go compiler and Node.js; Python's workers report their exceptions by
// themselves.
package mistake

import (
	"bufio"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/modgw/modgw/internal/account"
	"github.com/modgw/modgw/internal/files"
	"github.com/modgw/modgw/internal/lazyregexp"
	"github.com/modgw/modgw/modgw"
)

// Error messages of programs.
var (
	goMistake   = lazyregexp.New(`(?m)^(\S+\.go):(\d+)(?::(\d+))?: (.+)$`)
	nodeMistake = lazyregexp.New(`(?m)^(?:Uncaught )?(\w*Error)(?: \[\w+\])?: (.+)$`)
	nodePlace   = lazyregexp.New(`(?m)^(?:file://)?(/\S+\.[cm]?[jt]s):(\d+)()()$`)
	nodeCall    = lazyregexp.New(`(?m)^\s+at (?:.+ \()?(?:file://)?(/[^:()\n]+\.[cm]?[jt]s):(\d+):(\d+)\)?()$`)
)

// Find returns the mistake that the Go compiler or Node.js printed about the app of d, with the
// source lines around it, or nil. The output is the app's own, so only files below its root are
// read, with the rights of its user.
func Find(output string, d modgw.Descriptor) []modgw.Exception {
	if m := goMistake.FindStringSubmatch(output); m != nil {
		return []modgw.Exception{{Type: "build error", Message: m[4], Frames: []modgw.Frame{frameAt(m, d)}}}
	}
	m := nodeMistake.FindStringSubmatch(output)
	if m == nil {
		return nil
	}
	places := append(nodePlace.FindAllStringSubmatch(output, 1), nodeCall.FindAllStringSubmatch(output, -1)...)
	for _, place := range places {
		if f := frameAt(place, d); f.Own {
			return []modgw.Exception{{Type: m[1], Message: m[2], Frames: []modgw.Frame{f}}}
		}
	}
	return nil
}

// Place returns the file and line of the mistake that Find would find, as "/srv/shop/server.js:12",
// or "".
func Place(output string, d modgw.Descriptor) string {
	for _, found := range Find(output, d) {
		for _, f := range found.Frames {
			return f.File + ":" + strconv.Itoa(f.Line)
		}
	}
	return ""
}

// frameAt returns the frame at a place: file, line and column.
func frameAt(place []string, d modgw.Descriptor) modgw.Frame {
	f := modgw.Frame{File: place[1]}
	f.Line, _ = strconv.Atoi(place[2])
	f.Column, _ = strconv.Atoi(place[3])
	if !filepath.IsAbs(f.File) {
		f.File = filepath.Join(d.Root, f.File)
	}
	if name, ok := files.Inside(d.Root, f.File); ok && !strings.Contains(name, "node_modules/") {
		f.Own = true
		f.First, f.Source = around(d, name, f.Line)
	}
	return f
}

// How much of a file is shown around a line, and how long lines and files may be.
const (
	linesAround  = 5
	longestLine  = 400
	furthestLine = 100_000
)

// around returns the lines of a file around one of them, and the number of the first; none when it
// cannot be read.
func around(d modgw.Descriptor, name string, line int) (first int, source []string) {
	user, err := account.Lookup(d.User, d.Group, d.Groups...)
	if err != nil || line > furthestLine {
		return 0, nil
	}
	file, err := files.Folder{Dir: d.Root, User: user}.Open(name)
	if err != nil {
		return 0, nil
	}
	defer file.Close()
	first = max(1, line-linesAround)
	lines := bufio.NewScanner(file)
	for n := 1; n <= line+linesAround && lines.Scan(); n++ {
		if text := lines.Text(); n >= first {
			source = append(source, modgw.RedactString(text[:min(len(text), longestLine)], d.Secrets))
		}
	}
	if len(source) == 0 {
		return 0, nil
	}
	return first, source
}
