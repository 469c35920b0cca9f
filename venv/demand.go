package venv

import (
	"fmt"
	"path/filepath"
	"strings"

	pep440 "github.com/aquasecurity/go-pep440-version"

	"github.com/modgw/modgw/internal/lazyregexp"
)

// The implementations that a demand can name, as platform.python_implementation() spells them.
const (
	cpython = "CPython"
	pypy    = "PyPy"
)

// demand is a requirement for an interpreter. The zero value is met by any.
type demand struct {
	text           string // as it was written
	from           string // place where it was written, for messages
	path           string // this very interpreter, and nothing else is set
	implementation string // "": any
	freeThreaded   bool   // wanted; a demand that does not name it does not get it
	versions       pep440.Specifiers
	bounded        bool // versions has constraints
	minor          int  // the 12 of "3.12"; -1 when more than one can fit
}

// versionName is "3.12", "3.12.1", "python3.12", "cpython-3.12.1", "pypy3.9", "pypy3.9-7.3.11",
// "pypy" or "3.14t".
var versionName = lazyregexp.New(
	`^(?i)(?:(cpython|python|pypy)-?)?(?:(\d+)(?:\.(\d+)(?:\.(\d+[a-z0-9]*?))?)?)?(t|\+freethreaded)?(?:-.*)?$`)

// namesVersion reports whether text is a version, a range of versions or the path of an
// interpreter.
func namesVersion(text string) bool {
	m := versionName.FindStringSubmatch(text)
	return m != nil && (m[1] != "" || m[2] != "") || filepath.IsAbs(text) || strings.ContainsAny(text, "<>=!~")
}

// parseDemand reads a value of python.version.
func parseDemand(text, from string) (demand, error) {
	text = strings.TrimSpace(text)
	if filepath.IsAbs(text) {
		return demand{text: text, from: from, path: text, minor: -1}, nil
	}
	m := versionName.FindStringSubmatch(text)
	if m == nil || (m[1] == "" && m[2] == "") {
		return parseRange(text, from)
	}
	d := demand{text: text, from: from, minor: -1, implementation: cpython, freeThreaded: m[5] != ""}
	if strings.EqualFold(m[1], pypy) {
		d.implementation = pypy
	}
	if m[2] == "" {
		return d, nil
	}
	var version string
	switch {
	case m[4] != "":
		version = m[2] + "." + m[3] + "." + m[4]
	case m[3] != "":
		version = m[2] + "." + m[3] + ".*"
	default:
		version = m[2] + ".*"
	}
	if m[2] == "3" && m[3] != "" {
		fmt.Sscan(m[3], &d.minor)
	}
	return d.within("==" + version)
}

// parseRange reads a PEP 440 range.
func parseRange(text, from string) (demand, error) {
	d := demand{text: text, from: from, implementation: cpython, minor: -1}
	if !strings.ContainsAny(text, "<>=!~") {
		return d, fmt.Errorf("%q is no version of Python", text)
	}
	return d.within(text)
}

func (d demand) within(specifiers string) (demand, error) {
	versions, err := pep440.NewSpecifiers(specifiers, pep440.WithPreRelease(true))
	if err != nil {
		return d, fmt.Errorf("%q is no version of Python", d.text)
	}
	d.versions, d.bounded = versions, true
	return d, nil
}

// mismatch describes why an interpreter does not meet the demand, or returns "".
func (d demand) mismatch(i interpreter) string {
	switch {
	case d.path != "" || d.text == "":
		return ""
	case d.implementation != "" && d.implementation != i.Implementation:
		return "it is not " + d.implementation
	case d.bounded && !d.admits(i.Version):
		return fmt.Sprintf("it does not fit %q", d.text)
	case d.freeThreaded && !i.FreeThreaded:
		return "it is not free-threaded"
	case !d.freeThreaded && i.FreeThreaded:
		return "it is free-threaded"
	}
	return ""
}

func (d demand) admits(version string) bool {
	v, err := pep440.Parse(version)
	return err == nil && d.versions.Check(v)
}

// mayBeMinor reports whether some 3.minor release could meet the demand, so that its name is worth
// looking for.
func (d demand) mayBeMinor(minor int) bool {
	if d.minor >= 0 {
		return d.minor == minor
	}
	return !d.bounded || d.admits(fmt.Sprintf("3.%d.0", minor)) || d.admits(fmt.Sprintf("3.%d.99", minor))
}
