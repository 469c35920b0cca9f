package listen

import (
	"fmt"
	"os/user"
	"strconv"
)

// ownerIDs are the numbers of a user and a group that are given by name or number; -1, which
// chown(2) takes for unchanged, for "".
func ownerIDs(owner, group string) (uid, gid int, err error) {
	uid, gid = -1, -1
	if owner != "" {
		uid, err = findID("user", owner, func() (string, error) {
			u, err := user.Lookup(owner)
			if err != nil {
				return "", err
			}
			return u.Uid, nil
		})
	}
	if err == nil && group != "" {
		gid, err = findID("group", group, func() (string, error) {
			g, err := user.LookupGroup(group)
			if err != nil {
				return "", err
			}
			return g.Gid, nil
		})
	}
	return uid, gid, err
}

func findID(what, name string, lookup func() (string, error)) (int, error) {
	id, err := lookup()
	if err != nil {
		id = name
	}
	n, err := strconv.ParseUint(id, 10, 31)
	if err != nil {
		return -1, fmt.Errorf("cannot find %s %q", what, name)
	}
	return int(n), nil
}
