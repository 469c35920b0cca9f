package account

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
)

// May reports whether the file's mode grants an account the permissions in bits, which are in the
// position for others. Access control lists are not considered.
func (a *Account) May(info fs.FileInfo, bits fs.FileMode) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	switch {
	case !ok || a.UID == 0:
		return true
	case stat.Uid == a.UID:
		bits <<= 6
	case stat.Gid == a.GID || slices.Contains(a.Groups, stat.Gid):
		bits <<= 3
	}
	return info.Mode().Perm()&bits == bits
}

// FirstClosed returns the topmost folder of an absolute path that an account may not enter, or the
// path itself where the account lacks the bits; "" when nothing is closed. An error is about a part
// of the path that cannot be looked at.
func (a *Account) FirstClosed(path string, bits fs.FileMode) (closed string, mode fs.FileMode, err error) {
	if above := filepath.Dir(path); above != path {
		if closed, mode, err = a.FirstClosed(above, 0o1); closed != "" || err != nil {
			return closed, mode, err
		}
	}
	info, err := os.Stat(path)
	if err != nil || a.May(info, bits) {
		return "", 0, err
	}
	return path, info.Mode(), nil
}
