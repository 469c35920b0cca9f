package cgi

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/modgw/modgw/internal/account"
	"github.com/modgw/modgw/internal/files"
	"github.com/modgw/modgw/internal/safepath"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/cgi"
)

var (
	errNoScript      = errors.New("there is none")
	errNotExecutable = errors.New("it is not executable")
)

// location is where a request's script is.
type location struct {
	cgi.Script
	file string // absolute
}

// scripts finds the script that a path means.
type scripts struct {
	user   *account.Account // nil: the host's own
	dir    string           // a folder of scripts, named by the path; "": one answers all
	script string
}

// locate finds the script for a request. The error is a *Failure.
func (s *scripts) locate(info *modgw.RequestInfo) (location, error) {
	whole := info.PathInfo
	if whole == "" && info.ScriptName == "" {
		whole = "/"
	}
	if strings.IndexByte(whole, 0) >= 0 {
		return location{}, noScript(whole, errNoScript)
	}
	if s.dir == "" {
		return location{cgi.Script{Name: info.ScriptName, PathInfo: whole}, s.script}, s.check(s.script)
	}
	name, rest := cut(whole)
	if !isName(name) {
		return location{}, noScript(whole, errNoScript)
	}
	file := filepath.Join(s.dir, name)
	return location{cgi.Script{Name: info.ScriptName + "/" + name, PathInfo: rest}, file}, s.check(file)
}

// check returns a *Failure unless a file can be executed.
func (s *scripts) check(file string) error {
	if err := s.look(file); err != nil {
		return noScript(file, err)
	}
	return nil
}

// look returns why a file cannot be executed.
func (s *scripts) look(file string) error {
	if s.dir == "" {
		return s.judge(safepath.Opener{User: s.user}.Stat(file))
	}
	return s.lookInside(file)
}

// lookInside is look for a file named by a path. A link must not lead out of its folder: the owner
// of the app may not have meant everyone to run the files there.
func (s *scripts) lookInside(file string) error {
	folder := files.Folder{Dir: s.dir, User: s.user}
	return folder.Visit(func(root files.Root) error { return s.judge(root.Stat(filepath.Base(file))) })
}

func (s *scripts) judge(info fs.FileInfo, err error) error {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return err
	case err != nil || !info.Mode().IsRegular():
		return errNoScript
	case info.Mode()&0o111 == 0:
		return errNotExecutable
	}
	return nil
}

// cut cuts the first segment off a path.
func cut(whole string) (name, rest string) {
	name = strings.TrimPrefix(whole, "/")
	if i := strings.IndexByte(name, '/'); i >= 0 {
		return name[:i], name[i:]
	}
	return name, ""
}

// isName reports whether a segment can name a script. Hidden files are none.
func isName(segment string) bool { return segment != "" && segment[0] != '.' }
