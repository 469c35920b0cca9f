package reload

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// linkLimit is how many symbolic links one path may lead through, as in the kernel.
const linkLimit = 40

// trace follows path through every link and returns the real path, and whether it exists. Each folder on the way in which a
// name decides where the path leads is pinned: that of every link, that of the first missing name, and the parents of real
// folders, which can be renamed away. Only folders that everybody may write to, as /tmp, are left out of the last: there
// is too much going on in them.
func (s *snapshot) trace(path string) (real string, info fs.FileInfo) {
	real = "/"
	rest := split(path)
	for links := 0; len(rest) > 0; {
		name := rest[0]
		rest = rest[1:]
		if name == ".." {
			real = filepath.Dir(real)
			continue
		}
		next := filepath.Join(real, name)
		lstat, err := os.Lstat(next)
		switch {
		case err != nil:
			s.pin(real, name)
			return filepath.Join(append([]string{next}, rest...)...), nil
		case lstat.Mode()&fs.ModeSymlink != 0:
			s.pin(real, name)
			target, err := os.Readlink(next)
			if links++; err != nil || links > linkLimit {
				return next, nil
			}
			if filepath.IsAbs(target) {
				real = "/"
			}
			rest = append(split(target), rest...)
			continue
		case len(rest) == 0 && !lstat.IsDir(), !openToAll(real):
			s.pin(real, name)
		}
		real, info = next, lstat
	}
	if info == nil {
		info, _ = os.Lstat(real)
	}
	return real, info
}

// openToAll reports whether everybody may make files in dir.
func openToAll(dir string) bool {
	info, err := os.Lstat(dir)
	return err == nil && info.Mode().Perm()&0o002 != 0
}

// split cuts a path into its names; "." and empty ones go.
func split(path string) []string {
	var names []string
	for name := range strings.SplitSeq(path, "/") {
		if name != "" && name != "." {
			names = append(names, name)
		}
	}
	return names
}
