package account

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// Account is a user and its groups. A nil *Account is the user that this process runs as.
type Account struct {
	Name   string   // login name; "": unknown
	Home   string   // home folder; "": unknown
	UID    uint32   // user id
	GID    uint32   // primary group id
	Groups []uint32 // supplementary groups, without GID
}

// ErrRoot is returned for an account with root's rights: a program cannot be started as root by
// name.
var ErrRoot = errors.New("root is not allowed here")

// ErrUnknown is returned for a user or group that the system does not know.
var ErrUnknown = errors.New("there is none")

// LookupID finds the account of a user ID. The user may be any, root included.
func LookupID(uid uint32) (*Account, error) {
	id := strconv.FormatUint(uint64(uid), 10)
	u, err := user.LookupId(id)
	if err != nil {
		if u, err = getentUser(id); err != nil {
			return nil, fmt.Errorf("cannot find user %s: %w", id, ErrUnknown)
		}
	}
	return accountOf(u)
}

// GroupName returns the name of a group, or its number if it has none.
func GroupName(gid uint32) string {
	id := strconv.FormatUint(uint64(gid), 10)
	if g, err := user.LookupGroupId(id); err == nil {
		return g.Name
	}
	if fields, err := getent("group", id); err == nil && fields[0] != "" {
		return fields[0]
	}
	return id
}

// Lookup finds the account for a user name or number and, unless it is "", another primary group.
// Groups, if given, replace the user's supplementary groups. An empty user returns nil, which is
// this process's own user. Users that only a directory service knows are found through getent(1).
func Lookup(userName, groupName string, groups ...string) (*Account, error) {
	if userName == "" {
		if named := append(groups[:len(groups):len(groups)], groupName); named[0] != "" {
			return nil, fmt.Errorf("cannot use group %q without a user", named[0])
		}
		return nil, nil
	}
	a, err := Find(userName)
	if err != nil {
		return nil, err
	}
	if groupName != "" {
		if a.GID, err = lookupGroup(groupName); err != nil {
			return nil, err
		}
	}
	if len(groups) > 0 {
		a.Groups = make([]uint32, len(groups))
	}
	for i, name := range groups {
		if a.Groups[i], err = lookupGroup(name); err != nil {
			return nil, err
		}
	}
	if a.UID == 0 || a.GID == 0 || len(groups) > 0 && slices.Contains(a.Groups, 0) {
		return nil, fmt.Errorf("cannot use user %q, group %d: %w", userName, a.GID, ErrRoot)
	}
	if a.UID != uint32(os.Getuid()) || a.GID != uint32(os.Getgid()) {
		return a, nil
	}
	if len(groups) > 0 {
		return nil, errors.New("cannot change the groups of this process's own user")
	}
	return nil, nil
}

// Credential returns the credentials of a child process that runs as the account; nil for this
// process's own user.
func (a *Account) Credential() *syscall.Credential {
	if a == nil {
		return nil
	}
	return &syscall.Credential{Uid: a.UID, Gid: a.GID, Groups: a.Groups}
}

// HomeDir returns the account's home directory. For this process's own user, it is the home
// directory of the environment, or "/" if there is none.
func (a *Account) HomeDir() string {
	if a != nil {
		return a.Home
	}
	if home, err := os.UserHomeDir(); err == nil {
		return home
	}
	return "/"
}

// Find returns the account of a user name or number.
func Find(name string) (*Account, error) {
	u, err := user.Lookup(name)
	if err != nil {
		if _, atoiErr := strconv.Atoi(name); atoiErr == nil {
			u, err = user.LookupId(name)
		}
	}
	if err != nil {
		if u, err = getentUser(name); err != nil {
			return nil, fmt.Errorf("cannot find user %q", name)
		}
	}
	return accountOf(u)
}

func accountOf(u *user.User) (*Account, error) {
	uid, uidErr := parseID(u.Uid)
	gid, gidErr := parseID(u.Gid)
	if err := errors.Join(uidErr, gidErr); err != nil {
		return nil, fmt.Errorf("cannot use user %q: %w", u.Username, err)
	}
	a := &Account{Name: u.Username, Home: u.HomeDir, UID: uid, GID: gid}
	ids, err := u.GroupIds()
	if err != nil {
		return nil, fmt.Errorf("cannot list the groups of user %q: %w", u.Username, err)
	}
	for _, id := range ids {
		g, err := parseID(id)
		if err != nil {
			return nil, fmt.Errorf("cannot use user %q: %w", u.Username, err)
		}
		if g != gid {
			a.Groups = append(a.Groups, g)
		}
	}
	return a, nil
}

func lookupGroup(name string) (uint32, error) {
	g, err := user.LookupGroup(name)
	if err != nil {
		if _, atoiErr := strconv.Atoi(name); atoiErr == nil {
			g, err = user.LookupGroupId(name)
		}
	}
	if err == nil {
		return parseID(g.Gid)
	}
	fields, err := getent("group", name)
	if err != nil || len(fields) < 3 {
		return 0, fmt.Errorf("cannot find group %q", name)
	}
	return parseID(fields[2])
}

func getentUser(name string) (*user.User, error) {
	f, err := getent("passwd", name)
	if err != nil {
		return nil, err
	}
	if len(f) < 7 {
		return nil, fmt.Errorf("getent printed %d fields, not 7", len(f))
	}
	return &user.User{Username: f[0], Uid: f[2], Gid: f[3], HomeDir: f[5]}, nil
}

func getent(database, key string) ([]string, error) {
	out, err := exec.Command("getent", database, "--", key).Output()
	if err != nil {
		return nil, err
	}
	line, _, _ := strings.Cut(string(out), "\n")
	return strings.Split(line, ":"), nil
}

func parseID(s string) (uint32, error) {
	n, err := strconv.ParseUint(s, 10, 32)
	return uint32(n), err
}
