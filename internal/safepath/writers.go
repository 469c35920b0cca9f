package safepath

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"syscall"

	"github.com/modgw/modgw/internal/account"
)

// Writers are the users, besides root, who can change a file. Root can change every file. The zero
// value is no user.
type Writers struct {
	scope scope
	id    uint32 // user or group
}

type scope uint8

const (
	rootAlone scope = iota
	oneUser
	oneGroup
	severalUsers
)

// noRights is the ID that has no rights (credentials(7)).
const noRights = 65534

// RootAlone reports whether only root can change it.
func (w Writers) RootAlone() bool { return w.scope == rootAlone }

// User returns the only user besides root who can change the file. It returns false if there is
// none, or more than one.
func (w Writers) User() (uid uint32, ok bool) { return w.id, w.scope == oneUser }

// Account returns an account with the rights that all writers have, so that no writer gains access
// to a file that the writer could not open. nil is root. A user who is unknown to the system has no
// groups, and the account has no name.
func (w Writers) Account() (*account.Account, error) {
	switch w.scope {
	case rootAlone:
		return nil, nil
	case oneGroup:
		return &account.Account{UID: noRights, GID: w.id}, nil
	case severalUsers:
		return &account.Account{UID: noRights, GID: noRights}, nil
	}
	a, err := account.LookupID(w.id)
	if errors.Is(err, account.ErrUnknown) {
		return &account.Account{UID: w.id, GID: noRights}, nil
	}
	return a, err
}

// String names the writers, as in `user "blog"`.
func (w Writers) String() string {
	switch w.scope {
	case rootAlone:
		return "root alone"
	case oneUser:
		if a, err := account.LookupID(w.id); err == nil {
			return fmt.Sprintf("user %q", a.Name)
		}
		return fmt.Sprintf("user %d", w.id)
	case oneGroup:
		return fmt.Sprintf("group %q", account.GroupName(w.id))
	}
	return "everybody"
}

// rights names the users or groups whose rights the writers have in common.
func (w Writers) rights() string {
	if w.scope == severalUsers {
		return "several users"
	}
	return w.String()
}

// join adds the writers of another step on the same path.
func (w Writers) join(other Writers) (Writers, error) {
	switch {
	case w == other, other.scope == rootAlone:
		return w, nil
	case w.scope == rootAlone:
		return other, nil
	case w.scope == oneUser && other.scope == oneGroup:
		return w.joinGroup(other)
	case w.scope == oneGroup && other.scope == oneUser:
		return other.joinGroup(w)
	}
	return Writers{scope: severalUsers}, nil
}

// joinGroup is like join, for a user and a group. A member of the group counts as the whole group.
func (w Writers) joinGroup(g Writers) (Writers, error) {
	a, err := w.Account()
	if err != nil {
		return w, err
	}
	if a.GID == g.id || slices.Contains(a.Groups, g.id) {
		return g, nil
	}
	return Writers{scope: severalUsers}, nil
}

// Step is a place on the path to a file, with the users who can change it.
type Step struct {
	Path string  // absolute path of the place
	By   Writers // users who can change it
}

func (s Step) String() string { return s.By.String() + " can change " + strconv.Quote(s.Path) }

// Loose is a file, or a folder without the sticky bit, that its group or everyone may write to.
// Path is "" if there is none.
type Loose struct {
	Path   string  // absolute path
	Folder bool    // false: a file
	By     Writers // users who may write to it
}

func (l Loose) String() string {
	if l.Folder {
		return fmt.Sprintf("%s may write to the folder %q", l.By, l.Path)
	}
	return fmt.Sprintf("%s may write to %q", l.By, l.Path)
}

// node is the file, folder or link at one step.
type node struct {
	mode fs.FileMode // type, permissions and the sticky bit
	uid  uint32
	gid  uint32
	many bool // it is a file with more than one name
}

func nodeOf(s *syscall.Stat_t) node {
	n := node{mode: fs.FileMode(s.Mode & 0o777), uid: s.Uid, gid: s.Gid}
	switch s.Mode & syscall.S_IFMT {
	case syscall.S_IFDIR:
		n.mode |= fs.ModeDir
	case syscall.S_IFLNK:
		n.mode |= fs.ModeSymlink
	case syscall.S_IFREG:
		n.many = s.Nlink > 1
	default:
		n.mode |= fs.ModeIrregular
	}
	if s.Mode&syscall.S_ISVTX != 0 {
		n.mode |= fs.ModeSticky
	}
	return n
}

// owner returns the user who can change the mode of a node, and replace it in a folder with the
// sticky bit.
func (n node) owner() Writers {
	if n.uid == 0 {
		return Writers{}
	}
	return Writers{oneUser, n.uid}
}

// others returns the users who may write to a node according to its mode. The mode of a link has no
// meaning, and in a folder with the sticky bit others can only add names.
func (n node) others() Writers {
	if n.mode&fs.ModeSymlink != 0 || n.mode.IsDir() && n.mode&fs.ModeSticky != 0 {
		return Writers{}
	}
	return n.added()
}

// added returns the users who may add names to a folder.
func (n node) added() Writers {
	switch {
	case n.mode&0o002 != 0:
		return Writers{scope: severalUsers}
	case n.mode&0o020 != 0:
		return Writers{oneGroup, n.gid}
	}
	return Writers{}
}
