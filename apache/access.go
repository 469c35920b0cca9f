package apache

import (
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/modgw/modgw/modgw"
)

// checkSocket looks whether a user can connect to a Unix socket: it must be able to write to it,
// and to enter all folders above it. Access control lists and SELinux are not looked at.
func checkSocket(a modgw.Address, name string) Finding {
	path := a.Target()
	who, err := identityOf(name)
	if err != nil {
		return Finding{Problem, fmt.Sprintf("Apache's user %q does not exist", name), ""}
	}
	for _, dir := range parents(path) {
		info, err := os.Stat(dir)
		if err != nil {
			return Finding{Problem, fmt.Sprintf("there is no socket %s: %v", path, err), "start the host: modgw-host serve"}
		}
		if !who.may(info, 0o1) {
			return Finding{Problem, fmt.Sprintf("Apache's user %s may not enter %s (%s), so it cannot reach %s", name, dir, info.Mode(), path),
				"chmod o+x " + dir}
		}
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return Finding{Problem, fmt.Sprintf("there is no socket %s", path), "start the host: modgw-host serve"}
	case info.Mode()&fs.ModeSocket == 0:
		return Finding{Problem, fmt.Sprintf("%s is no socket", path), ""}
	case !who.may(info, 0o2):
		return Finding{Problem, fmt.Sprintf("Apache's user %s may not write to %s (%s)", name, path, info.Mode()),
			fmt.Sprintf(`say group = %q and mode = "0660" in the listen block of the host's file`, who.group)}
	case strings.HasPrefix(path, "/tmp/"), strings.HasPrefix(path, "/var/tmp/"):
		return Finding{Advice, fmt.Sprintf("%s is in a folder that systemd hides from Apache (PrivateTmp)", path), "put the socket into /run/modgw"}
	}
	return Finding{Good, fmt.Sprintf("Apache's user %s may connect to %s", name, path), ""}
}

// parents are the folders above a path, from the top.
func parents(path string) []string {
	var dirs []string
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
		dirs = append(dirs, dir)
		if dir == filepath.Dir(dir) {
			slices.Reverse(dirs)
			return dirs
		}
	}
}

// identity is a user with its groups, by which the kernel decides about access to files.
type identity struct {
	uid    uint32
	gids   []uint32
	group  string // name of the primary group
	isRoot bool
}

func identityOf(name string) (identity, error) {
	u, err := user.Lookup(name)
	if err != nil {
		return identity{}, err
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return identity{}, err
	}
	who := identity{uid: uint32(uid), group: u.Gid, isRoot: uid == 0}
	if g, err := user.LookupGroupId(u.Gid); err == nil {
		who.group = g.Name
	}
	ids, err := u.GroupIds()
	if err != nil {
		return identity{}, err
	}
	for _, id := range ids {
		if gid, err := strconv.ParseUint(id, 10, 32); err == nil {
			who.gids = append(who.gids, uint32(gid))
		}
	}
	return who, nil
}

// may reports whether the file's mode grants a permission. bit is the permission in its position
// for others.
func (who identity) may(info fs.FileInfo, bit fs.FileMode) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	switch {
	case who.isRoot:
		return true
	case ok && stat.Uid == who.uid:
		return info.Mode()&(bit<<6) != 0
	case ok && slices.Contains(who.gids, stat.Gid):
		return info.Mode()&(bit<<3) != 0
	}
	return info.Mode()&bit != 0
}
