package safepath

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/modgw/modgw/internal/account"
)

// Limits of a walk: links as in the kernel, and names because links can be long.
const (
	mostLinks = 40
	mostNames = 4096
)

// ErrLeadsOut is the reason of a path that leads out of its folder.
var ErrLeadsOut = errors.New("the path leads out of the folder")

// walk goes from the root folder to the end of a path. It holds one descriptor, of the place that
// it has reached: a descriptor cannot be swapped for another file.
type walk struct {
	fd    int
	at    node
	path  string   // path of fd, without links
	asked string   // the requested path
	named string   // path of fd, with a link as its last name followed
	rest  []string // names that are left
	links int
	names int

	confined bool // no step may lead out of the folder that was reached when this was set
	depth    int  // depth of the present place below it

	user    *account.Account // user whose rights apply; nil: the rights of the writers
	judges  bool             // whether writers count
	writers Writers
	steps   []Step // places that added writers
	loose   Loose
}

// follow walks to the end of path and calls reached there, while the kernel checks access against
// the rights of the user or of the writers.
func (o Opener) follow(path string, reached func(*walk) error) (*walk, error) {
	w := &walk{fd: -1, user: o.User, asked: filepath.Clean(path), named: filepath.Clean(path), rest: split(path)}
	w.judges = o.User == nil && os.Geteuid() == 0
	if !filepath.IsAbs(path) || strings.ContainsRune(path, 0) {
		return w, fs.ErrInvalid
	}
	defer w.close()
	return w, o.User.Do(func() error {
		if err := w.toRoot(); err != nil {
			return err
		}
		return w.goOn(func() error { return reached(w) })
	})
}

// goOn takes the remaining steps. After a step that another user could have changed, it continues
// with only those rights that this user has, too.
func (w *walk) goOn(reached func() error) error {
	for len(w.rest) > 0 {
		before := w.writers
		if err := w.step(); err != nil {
			return err
		}
		if w.writers != before {
			as, err := w.writers.Account()
			if err != nil {
				return err
			}
			return as.Do(func() error { return w.goOn(reached) })
		}
	}
	return reached()
}

// step advances by one name.
func (w *walk) step() error {
	if w.names++; w.names > mostNames {
		return unix.ENAMETOOLONG
	}
	name := w.rest[0]
	if w.confined && name == ".." && w.depth == 0 {
		return ErrLeadsOut
	}
	fd, stat, err := openName(w.fd, name, len(w.rest) > 1)
	if err != nil {
		return err
	}
	w.rest = w.rest[1:]
	entry := nodeOf(stat)
	if err := w.judge(filepath.Join(w.path, name), entry); err != nil {
		unix.Close(fd)
		return err
	}
	if entry.mode&fs.ModeSymlink == 0 {
		w.move(fd, filepath.Join(w.path, name), entry)
		if w.depth++; name == ".." {
			w.depth -= 2
		}
		return nil
	}
	defer unix.Close(fd)
	return w.redirect(fd)
}

// redirect follows the link with the descriptor fd.
func (w *walk) redirect(fd int) error {
	if w.links++; w.links > mostLinks {
		return unix.ELOOP
	}
	target, err := readLink(fd)
	if err != nil {
		return err
	}
	if w.confined && filepath.IsAbs(target) {
		return ErrLeadsOut
	}
	last := len(w.rest) == 0
	w.rest = append(split(target), w.rest...)
	switch {
	case filepath.IsAbs(target):
		if last {
			w.named = filepath.Clean(target)
		}
		return w.toRoot()
	// Leading ".." are relative to the folder's real place, not to its name.
	case last && strings.HasPrefix(target, ".."):
		w.named = filepath.Join(w.path, target)
	case last:
		w.named = filepath.Join(filepath.Dir(w.named), target)
	}
	return nil
}

// judge adds the users who could have changed an entry of the present folder.
func (w *walk) judge(path string, entry node) error {
	if !w.judges {
		return nil
	}
	writers := []Writers{entry.owner(), entry.others()}
	if entry.many {
		writers = append(writers, w.at.added()) // others may have made one of its names
	}
	if by := entry.others(); !by.RootAlone() && w.loose.Path == "" {
		w.loose = Loose{Path: path, Folder: entry.mode.IsDir(), By: by}
	}
	for _, by := range writers {
		all, err := w.writers.join(by)
		if err != nil {
			return err
		}
		if all != w.writers {
			w.writers, w.steps = all, append(w.steps, Step{path, by})
		}
	}
	return nil
}

// toRoot goes to the root folder.
func (w *walk) toRoot() error {
	fd, err := ignoringEINTR(func() (int, error) {
		return unix.Open("/", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	})
	if err != nil {
		return err
	}
	var stat syscall.Stat_t
	if err := syscall.Fstat(fd, &stat); err != nil {
		unix.Close(fd)
		return err
	}
	entry := nodeOf(&stat)
	if err := w.judge("/", entry); err != nil {
		unix.Close(fd)
		return err
	}
	w.move(fd, "/", entry)
	return nil
}

// move makes fd the place that the walk has reached.
func (w *walk) move(fd int, path string, at node) {
	w.close()
	w.fd, w.path, w.at = fd, path, at
}

func (w *walk) close() {
	if w.fd >= 0 {
		unix.Close(w.fd)
		w.fd = -1
	}
}

// openName opens an entry of a folder without reading it. If the entry is a link, it opens the link
// itself. A folder is entered so that an automounter mounts it.
func openName(dir int, name string, folder bool) (int, *syscall.Stat_t, error) {
	const flags = unix.O_PATH | unix.O_NOFOLLOW | unix.O_CLOEXEC
	open := func(flags int) (int, error) {
		return ignoringEINTR(func() (int, error) { return unix.Openat(dir, name, flags, 0) })
	}
	fd, err := -1, error(unix.ENOTDIR)
	if folder {
		fd, err = open(flags | unix.O_DIRECTORY)
	}
	if err == unix.ENOTDIR {
		fd, err = open(flags)
	}
	if err != nil {
		return -1, nil, err
	}
	var stat syscall.Stat_t
	err = syscall.Fstat(fd, &stat)
	if kind := stat.Mode & syscall.S_IFMT; err == nil && folder && kind != syscall.S_IFDIR && kind != syscall.S_IFLNK {
		err = unix.ENOTDIR
	}
	if err != nil {
		unix.Close(fd)
		return -1, nil, err
	}
	return fd, &stat, nil
}

// readLink returns the target of the link with the descriptor fd.
func readLink(fd int) (string, error) {
	text := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(fd, "", text)
	switch {
	case err != nil:
		return "", err
	case n == len(text):
		return "", unix.ENAMETOOLONG
	}
	return string(text[:n]), nil
}

func ignoringEINTR(open func() (int, error)) (int, error) {
	for {
		if fd, err := open(); err != unix.EINTR {
			return fd, err
		}
	}
}

// split cuts a path into its names.
func split(path string) []string {
	var names []string
	for name := range strings.SplitSeq(path, "/") {
		if name != "" && name != "." {
			names = append(names, name)
		}
	}
	return names
}
