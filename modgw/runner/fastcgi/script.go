package fastcgi

import (
	"cmp"
	"errors"
	"io/fs"
	"net/http"
	"path"
	"strings"

	"github.com/modgw/modgw/internal/files"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/cgi"
	"github.com/modgw/modgw/modgw/runner/relay"
)

const (
	// extension is the name ending of scripts. Nothing else is executed, regardless of the path:
	// not a picture that a visitor has uploaded, and not with a path after it as in
	// /picture.png/x.php.
	extension = ".php"

	// indexPage is the page of a folder without a script.
	indexPage = "index.html"
)

// location is where a request's script is.
type location struct {
	cgi.Script
	filename string // SCRIPT_FILENAME; "": the program answers all paths itself
	root     string // DOCUMENT_ROOT
}

// scripts finds the script that a path means.
type scripts struct {
	folder files.Folder
	index  string // script of a folder; that of the root also answers paths without a file
	local  bool   // the program sees the same files as the host
}

// errSlash means that a path names a folder and lacks a slash at its end.
var errSlash = errors.New("the path names a folder")

// errFile means that a path names a file that is no script.
var errFile = errors.New("the path names a file")

// locate finds the script for a request. The error is a *Failure, errSlash or errFile.
func (r *Runner) locate(info *modgw.RequestInfo) (location, error) {
	whole := info.PathInfo
	if whole == "" && info.ScriptName == "" {
		whole = "/"
	}
	if r.scripts == nil {
		return location{Script: cgi.Script{Name: info.ScriptName, PathInfo: whole}}, nil
	}
	name, rest, err := r.scripts.find(whole)
	if err != nil {
		return location{}, err
	}
	root := strings.TrimSuffix(r.scripts.folder.Dir, "/")
	return location{
		Script:   cgi.Script{Name: info.ScriptName + name, PathInfo: rest},
		filename: root + path.Clean(name),
		root:     root,
	}, nil
}

// find splits a path below the mount into the path of a script and the rest. A folder's path gets
// the name of the folder's script. The script of the root answers all paths that name no script. It
// gets no rest then, as with other servers: it uses REQUEST_URI.
func (s *scripts) find(whole string) (name, rest string, err error) {
	if !clean(whole) {
		return "", "", s.noScript(whole)
	}
	err = s.folder.Visit(func(root files.Root) error {
		name, rest, err = s.lookUp(root, whole)
		return err
	})
	switch {
	case err == nil || errors.Is(err, errSlash) || errors.Is(err, errFile):
		return name, rest, err
	case errors.Is(err, fs.ErrNotExist) && !s.exists():
		name, rest = s.guess(whole)
		return name, rest, nil
	case errors.Is(err, fs.ErrNotExist):
		return "", "", s.noScript(whole)
	}
	return "", "", hiddenScript(s.folder.Dir, err)
}

// exists reports whether the folder is on this machine; otherwise the program alone, on another
// one, knows its scripts.
func (s *scripts) exists() bool {
	return s.local || s.folder.Visit(func(files.Root) error { return nil }) == nil
}

// clean reports whether every name in a path could be one of a file below a folder.
func clean(whole string) bool {
	if strings.IndexByte(whole, 0) >= 0 {
		return false
	}
	for segment := range strings.SplitSeq(whole, "/") {
		if segment == "." || segment == ".." {
			return false
		}
	}
	return true
}

// lookUp looks for the first script on the path, else for a file, then for the script of the
// folder, then for the script of the root. Files that an .htaccess denies to everyone are skipped.
func (s *scripts) lookUp(root files.Root, whole string) (name, rest string, err error) {
	if isDenied(root, whole) {
		return "", "", fs.ErrNotExist
	}
	for end := range ends(whole) {
		if !strings.HasSuffix(whole[:end], extension) {
			continue
		}
		found, err := isRegular(root, whole[:end])
		if err != nil || found {
			return whole[:end], whole[end:], err
		}
	}
	if found, err := isRegular(root, whole); err != nil || found {
		return "", "", cmp.Or(err, errFile)
	}
	if name, err := s.findIndex(root, whole); name != "" || err != nil {
		return name, "", err
	}
	if found, _ := isRegular(root, path.Join(whole, indexPage)); found && strings.HasSuffix(whole, "/") {
		return "", "", errFile
	}
	found, err := isRegular(root, "/"+s.index)
	if err == nil && !found {
		err = fs.ErrNotExist
	}
	return "/" + s.index, "", err
}

// findIndex finds the script of a folder that a path names; "" when there is none.
func (s *scripts) findIndex(root files.Root, whole string) (string, error) {
	name := path.Join(whole, s.index)
	found, err := isRegular(root, name)
	switch {
	case err != nil || !found:
		return "", err
	case !strings.HasSuffix(whole, "/"):
		return "", errSlash
	}
	return whole + s.index, nil
}

// isRegular reports whether a path names a regular file.
func isRegular(root files.Root, name string) (bool, error) {
	info, err := root.Stat(strings.TrimPrefix(path.Clean(name), "/"))
	switch {
	case err == nil:
		return info.Mode().IsRegular(), nil
	case errors.Is(err, fs.ErrPermission):
		return false, err
	}
	return false, nil // there is none, or the way to it leads out of the folder
}

// guess is find for scripts that cannot be looked at.
func (s *scripts) guess(whole string) (name, rest string) {
	for end := range ends(whole) {
		if strings.HasSuffix(whole[:end], extension) {
			return whole[:end], whole[end:]
		}
	}
	if strings.HasSuffix(whole, "/") {
		return whole + s.index, ""
	}
	return "/" + s.index, ""
}

// ends yields where the names in a path end.
func ends(whole string) func(yield func(int) bool) {
	return func(yield func(int) bool) {
		for i := 1; i <= len(whole); i++ {
			if (i == len(whole) || whole[i] == '/') && !yield(i) {
				return
			}
		}
	}
}

// addSlash redirects to the path with a slash at its end, so that relative links in the page are
// resolved below it.
func addSlash(e *relay.Request) {
	target, query, _ := strings.Cut(e.Info.RawTarget, "?")
	target = "/" + strings.TrimLeft(target, "/") + "/" // two slashes would name another host
	if query != "" {
		target += "?" + query
	}
	http.Redirect(e.W, e.R, target, http.StatusMovedPermanently)
}
