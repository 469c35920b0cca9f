package loader

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/modgw/modgw/internal/account"
)

// nobody is the user id that has no rights of its own (credentials(7)).
const nobody = 65534

// rightsFor finds with whose rights a host that runs as root opens a file. A path on which only root can put files is
// opened as root. On any other path somebody could have laid a link to a file that only root may read, so it is opened
// with the rights of the first user, or group, that can change the path. nil is this process's own user.
func rightsFor(path string) (*account.Account, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	given, err := whoCanChange(path)
	if given != nil || err != nil {
		return given, err
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil || real == path {
		return nil, nil // a missing file is the opener's error
	}
	return whoCanChange(real)
}

// whoCanChange is the first account but root's that can replace path or a folder that leads to it; nil: nobody.
func whoCanChange(path string) (*account.Account, error) {
	at := "/"
	for _, name := range append([]string{""}, strings.Split(strings.Trim(path, "/"), "/")...) {
		at = filepath.Join(at, name)
		info, err := os.Lstat(at)
		if err != nil {
			return nil, nil // not there: nothing to open, and the opener says so
		}
		owner, ok := info.Sys().(*syscall.Stat_t)
		if !ok {
			return nil, nil
		}
		if owner.Uid != 0 {
			return accountOf(at, owner.Uid)
		}
		if who := writableBy(info, owner.Gid); who != nil {
			return who, nil
		}
	}
	return nil, nil
}

func accountOf(path string, uid uint32) (*account.Account, error) {
	who, err := account.Lookup(strconv.Itoa(int(uid)), "")
	if err != nil {
		return nil, fmt.Errorf("cannot open %q with the rights of its owner: %w", path, err)
	}
	return who, nil
}

// writableBy is an account with the rights of all who can change something of root's: its group, or anybody. Only an
// entry's owner can replace it in a folder with the sticky bit, and a link's own bits mean nothing.
func writableBy(info fs.FileInfo, gid uint32) *account.Account {
	mode := info.Mode()
	switch {
	case mode&fs.ModeSymlink != 0, mode&fs.ModeSticky != 0:
		return nil
	case mode.Perm()&0o002 != 0:
		return &account.Account{UID: nobody, GID: nobody}
	case mode.Perm()&0o020 != 0 && gid != 0:
		return &account.Account{UID: nobody, GID: gid}
	}
	return nil
}
