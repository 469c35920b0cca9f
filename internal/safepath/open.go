package safepath

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/modgw/modgw/internal/account"
)

// File is an open file or folder, and how it was found.
type File struct {
	*os.File
	Path    string  // the requested path, with a link that was its last name resolved
	Writers Writers // users who could change the path or the file; zero if it was not judged
	Steps   []Step  // the places that the writers can change
	Loose   Loose   // the first place that the group or everyone may write to
}

// Opener opens files with the rights of one user. The zero value is for a process that acts for
// many users: if root runs the process, it opens each path with only the rights of all users who
// could have changed the path, and otherwise with the process's own rights.
type Opener struct {
	User *account.Account // nil: chosen by the path
}

// Open opens the regular file or folder at an absolute path, for reading. It never waits, such as
// for the other end of a named pipe. The caller must close the file.
func (o Opener) Open(path string) (*File, error) {
	f := &File{}
	w, err := o.follow(path, func(w *walk) (err error) {
		f.File, err = w.open()
		return err
	})
	if err != nil {
		return nil, w.fault("open", path, err)
	}
	f.Path, f.Writers, f.Steps, f.Loose = w.named, w.writers, w.steps, w.loose
	return f, nil
}

// OpenBeneath is like Open, for a name in a folder that is given by an absolute path. Neither the
// name nor a link leads out of the folder.
func (o Opener) OpenBeneath(dir, name string) (file *os.File, err error) {
	w, err := o.followBeneath(dir, name, func(w *walk) (err error) {
		file, err = w.open()
		return err
	})
	if err != nil {
		return nil, w.fault("open", filepath.Join(dir, name), err)
	}
	return file, nil
}

// StatBeneath is like Stat, for a name in a folder, as with [Opener.OpenBeneath].
func (o Opener) StatBeneath(dir, name string) (info fs.FileInfo, err error) {
	w, err := o.followBeneath(dir, name, func(w *walk) error {
		info, err = w.stat()
		return err
	})
	if err != nil {
		return nil, w.fault("stat", filepath.Join(dir, name), err)
	}
	return info, nil
}

// followBeneath is like follow, for a name in a folder.
func (o Opener) followBeneath(dir, name string, reached func(*walk) error) (*walk, error) {
	return o.follow(dir, func(w *walk) error {
		if name == "" || filepath.IsAbs(name) || strings.HasSuffix(name, "/") || strings.ContainsRune(name, 0) {
			return fs.ErrInvalid
		}
		w.confined, w.depth, w.rest, w.asked = true, 0, split(name), filepath.Join(dir, name)
		return w.goOn(func() error { return reached(w) })
	})
}

// ReadFile reads the regular file at an absolute path. A file with more than limit bytes is an
// error.
func (o Opener) ReadFile(path string, limit int64) ([]byte, error) {
	f, err := o.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := account.ReadRegular(f.File, limit)
	if err != nil {
		return nil, &fs.PathError{Op: "read", Path: path, Err: err}
	}
	return data, nil
}

// ReadDir lists the folder at an absolute path, sorted by name.
func (o Opener) ReadDir(path string) ([]fs.DirEntry, error) {
	f, err := o.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	entries, err := f.ReadDir(-1)
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, err
}

// Stat describes the file or folder at an absolute path.
func (o Opener) Stat(path string) (info fs.FileInfo, err error) {
	w, err := o.follow(path, func(w *walk) error {
		info, err = w.stat()
		return err
	})
	if err != nil {
		return nil, w.fault("stat", path, err)
	}
	return info, nil
}

// stat describes the file or folder that the walk has reached. The walk ends with it.
func (w *walk) stat() (fs.FileInfo, error) {
	f := os.NewFile(uintptr(w.fd), w.asked)
	w.fd = -1
	defer f.Close()
	return f.Stat()
}

// open opens the file or folder that the walk has reached.
func (w *walk) open() (*os.File, error) {
	if w.at.mode&fs.ModeIrregular != 0 {
		return nil, account.ErrNotRegular
	}
	// The name of a descriptor leads to its file, even if the path has changed since.
	name := "/proc/self/fd/" + strconv.Itoa(w.fd)
	fd, err := ignoringEINTR(func() (int, error) {
		return unix.Open(name, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	})
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), w.asked), nil
}

// fault returns an error of the walk, with the reason for missing rights.
func (w *walk) fault(op, path string, err error) error {
	if errno, ok := err.(syscall.Errno); ok && errno == syscall.EACCES {
		switch {
		case w.user != nil:
			err = deniedError(Writers{oneUser, w.user.UID}.rights())
		case !w.writers.RootAlone():
			err = deniedError(w.writers.rights() + ", because " + Reasons(w.steps))
		}
	}
	return &fs.PathError{Op: op, Path: path, Err: err}
}

// Reasons lists the users and the places that they can change, as in `user "blog" can change
// "/srv/blog"`.
func Reasons(steps []Step) string {
	var list []string
	for _, s := range steps {
		list = append(list, s.String())
	}
	return strings.Join(list, ", and ")
}

// deniedError names the rights with which a file could not be opened.
type deniedError string

func (e deniedError) Error() string {
	return "permission denied: it is opened with the rights of " + string(e)
}

func (deniedError) Unwrap() error { return syscall.EACCES }
