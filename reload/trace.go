package reload

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// linkLimit is the number of symbolic links on one path, as in the kernel.
const linkLimit = 40

// location is a path without links in it, and the file there, or nil.
type location struct {
	real string
	info fs.FileInfo
}

// trace follows path through every link and returns the real path and the file there, or nil. It
// adds to ancestors each folder in which a name decides where the path leads: that of every link,
// that of the first missing name, and the parents of real folders, which can be renamed. Parents
// that all users may write to, such as /tmp, are left out: too much happens in them.
func (s *snapshot) trace(path string) (real string, info fs.FileInfo) {
	dir := filepath.Dir(path)
	above, ok := s.located[dir] // most files of an interest are in a few folders
	if !ok {
		above = s.resolve(location{real: "/"}, split(dir))
		s.located[dir] = above
	}
	if above.info == nil {
		return path, nil
	}
	at := s.resolve(above, split(filepath.Base(path)))
	return at.real, at.info
}

// trace traces all paths of an interest.
func (r *rules) trace(s *snapshot) {
	for _, t := range r.trees {
		s.trace(t.base)
	}
	for path := range r.files {
		s.trace(path)
	}
}

// resolve follows names, starting at a location.
func (s *snapshot) resolve(at location, rest []string) location {
	if at.info == nil {
		at.info, _ = os.Lstat(at.real)
	}
	for links := 0; len(rest) > 0; {
		name := rest[0]
		rest = rest[1:]
		if name == ".." {
			at.real = filepath.Dir(at.real)
			at.info, _ = os.Lstat(at.real)
			continue
		}
		next := filepath.Join(at.real, name)
		info, err := os.Lstat(next)
		switch {
		case err != nil:
			s.addAncestor(at.real, name)
			return location{real: next}
		case info.Mode()&fs.ModeSymlink != 0:
			s.addAncestor(at.real, name)
			target, err := os.Readlink(next)
			if links++; err != nil || links > linkLimit {
				return location{real: next}
			}
			if filepath.IsAbs(target) {
				at.real = "/"
				at.info, _ = os.Lstat(at.real)
			}
			rest = append(split(target), rest...)
			continue
		case len(rest) == 0 && !info.IsDir(), !isOpenToAll(at.info):
			s.addAncestor(at.real, name)
		}
		at = location{next, info}
	}
	return at
}

// isOpenToAll reports whether all users may create files in a folder.
func isOpenToAll(folder fs.FileInfo) bool {
	return folder != nil && folder.Mode().Perm()&0o002 != 0
}

// split splits a path into its names, without "." and empty ones.
func split(path string) []string {
	return slices.DeleteFunc(strings.Split(path, "/"), func(name string) bool { return name == "" || name == "." })
}
