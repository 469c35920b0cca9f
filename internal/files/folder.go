package files

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"github.com/modgw/modgw/internal/account"
)

// Folder is a folder out of which no name and no link leads.
type Folder struct {
	Dir  string
	User *account.Account // whose rights open files; nil: those of this process
}

// File is an open regular file.
type File struct {
	*os.File
	Info fs.FileInfo
}

// Open opens a regular file. The caller closes it.
func (f Folder) Open(name string) (file *File, err error) {
	err = f.Visit(func(root *os.Root) error {
		file, err = OpenIn(root, name)
		return err
	})
	return file, err
}

// Visit calls visit with the open folder while the kernel judges by the rights of the folder's user. visit must not start
// goroutines, and not keep root. The folder is opened anew each time, because another one may have taken its name.
func (f Folder) Visit(visit func(root *os.Root) error) error {
	return f.User.Do(func() error {
		root, err := os.OpenRoot(f.Dir)
		if err != nil {
			return err
		}
		defer root.Close()
		return visit(root)
	})
}

// OpenIn opens a regular file of an open folder. The caller closes it.
func OpenIn(root *os.Root, name string) (*File, error) {
	// Not blocking on a pipe that somebody put there.
	file, err := root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
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
