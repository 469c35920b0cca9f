package files

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"github.com/modgw/modgw/internal/account"
	"github.com/modgw/modgw/internal/safepath"
)

// Folder is a folder that no name and no link can leave.
type Folder struct {
	Dir string // absolute path

	// User is the account with whose rights files are opened. nil: this process's, or, if it is
	// root, the users who can change a file or the path to it.
	User *account.Account

	// Within are folders. Dir must lead to one of them or below, wherever links on the way point.
	// nil: it may lead anywhere.
	Within []string
}

// outsideError reports that a folder lies outside the folders in which it must lie.
type outsideError struct{ leads string }

// Error returns a message with the place of the folder.
func (e outsideError) Error() string {
	return fmt.Sprintf("it leads to %q, which is not allowed", e.leads)
}

// Is reports that it is a matter of rights.
func (e outsideError) Is(target error) bool { return target == fs.ErrPermission }

// IsDenied reports whether an error means that a file may not be opened: rights are missing, or the
// name leads out of the folder.
func IsDenied(err error) bool {
	return errors.Is(err, fs.ErrPermission) || errors.Is(err, safepath.ErrLeadsOut)
}

// File is an open regular file.
type File struct {
	*os.File
	Info fs.FileInfo // state when it was opened
}

// Open opens a regular file. The caller closes it.
func (f Folder) Open(name string) (file *File, err error) {
	err = f.Visit(func(root Root) error {
		file, err = root.Open(name)
		return err
	})
	return file, err
}

// Root is an open folder, until the visit ends.
type Root struct {
	root *os.Root // nil: dir is walked for each name
	dir  string   // absolute
}

// Visit calls visit with the open folder while the kernel checks access against the rights of the
// folder's user. visit must not start goroutines, and must not keep root. The folder is opened
// again each time, because another folder may have taken its name.
func (f Folder) Visit(visit func(root Root) error) error {
	if f.User == nil && f.Within == nil && os.Geteuid() == 0 {
		info, err := safepath.Opener{}.Stat(f.Dir)
		if err == nil && !info.IsDir() {
			err = &fs.PathError{Op: "open", Path: f.Dir, Err: syscall.ENOTDIR}
		}
		if err != nil {
			return err
		}
		return visit(Root{dir: f.Dir})
	}
	return f.User.Do(func() error {
		root, err := os.OpenRoot(f.Dir)
		if err != nil {
			return err
		}
		defer root.Close()
		if err := f.judge(root); err != nil {
			return err
		}
		return visit(Root{root: root})
	})
}

// judge returns an error if the opened folder lies outside the allowed folders. The name is not
// reliable: others can change where it leads.
func (f Folder) judge(root *os.Root) error {
	if f.Within == nil {
		return nil
	}
	opened, err := root.Open(".")
	if err != nil {
		return err
	}
	defer opened.Close()
	leads, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", opened.Fd()))
	if err != nil {
		return err
	}
	if InsideAny(f.Within, leads) {
		return nil
	}
	return &fs.PathError{Op: "open", Path: f.Dir, Err: outsideError{leads}}
}

// Open opens a regular file. The caller closes it.
func (r Root) Open(name string) (*File, error) {
	file, err := r.open(name)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("cannot read %q: it is not a regular file", name)
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return &File{file, info}, nil
}

func (r Root) open(name string) (*os.File, error) {
	if r.root == nil {
		return safepath.Opener{}.OpenBeneath(r.dir, name)
	}
	// Do not block on a named pipe.
	file, err := r.root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	return file, withReason(err)
}

// withReason sets the reason of an [os.Root] error that is not from the kernel, and is therefore
// about a path that leads out of the folder, so that callers can recognise it.
func withReason(err error) error {
	if failed, ok := errors.AsType[*fs.PathError](err); ok && !errors.As(failed.Err, new(syscall.Errno)) {
		failed.Err = safepath.ErrLeadsOut
	}
	return err
}

// Stat describes the file called name in the folder, following links.
func (r Root) Stat(name string) (fs.FileInfo, error) {
	if r.root == nil {
		return safepath.Opener{}.StatBeneath(r.dir, name)
	}
	info, err := r.root.Stat(name)
	return info, withReason(err)
}
