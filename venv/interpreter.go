package venv

import (
	"strconv"
	"strings"
)

// oldestMinor is the 8 of the oldest Python that apps can run with.
const oldestMinor = 8

// interpreter is a Python's answer about itself.
type interpreter struct {
	Path           string `json:"-"` // real path of the executable, never in a virtual environment
	Implementation string `json:"implementation"`
	Version        string `json:"version"`      // version of the language: "3.12.1"
	PyPyVersion    string `json:"pypy_version"` // "7.3.11"; "" for others
	SOABI          string `json:"soabi"`
	FreeThreaded   bool   `json:"free_threaded"`
	Prefix         string `json:"prefix"`
	BasePrefix     string `json:"base_prefix"`
	BaseExecutable string `json:"base_executable"`
	Pip            string `json:"pip"`       // its version; "": none
	EnsurePip      bool   `json:"ensurepip"` // can make a virtual environment that has pip

	state string // inode, size and time of the file when it was asked
}

// String is the interpreter for people: "CPython 3.12.1", "CPython 3.14.0 free-threaded".
func (i interpreter) String() string {
	name := i.Implementation + " " + i.Version
	if i.FreeThreaded {
		name += " free-threaded"
	}
	if i.PyPyVersion != "" {
		name += " (" + i.PyPyVersion + ")"
	}
	return name
}

// identity returns all facts that make another environment if they change.
func (i interpreter) identity() []string {
	return []string{i.Path, i.String(), i.SOABI, i.state}
}

// tooOld reports whether the interpreter is older than the oldest that apps can run with.
func (i interpreter) tooOld() bool {
	major, minor := versionNumbers(i.Version)
	return major < 3 || (major == 3 && minor < oldestMinor)
}

// versionNumbers returns the first two numbers of a version; 0 for missing ones.
func versionNumbers(version string) (major, minor int) {
	first, rest, _ := strings.Cut(version, ".")
	second, _, _ := strings.Cut(rest, ".")
	major, _ = strconv.Atoi(first)
	minor, _ = strconv.Atoi(second)
	return major, minor
}

// atLeast reports whether a version such as pip's is major.minor or newer.
func atLeast(version string, major, minor int) bool {
	a, b := versionNumbers(version)
	return a > major || (a == major && b >= minor)
}
