package reload

import (
	"io/fs"
	"os"
	"syscall"

	"github.com/modgw/modgw/internal/safepath"
)

// opener opens files and folders. It does not wait for the other end of a pipe that replaced a
// file.
type opener func(path string) (*os.File, error)

// disk gives a scan access to the folders of trees.
type disk struct {
	lstat func(path string) (fs.FileInfo, error)
	open  opener
}

// openAsNow opens with the present rights of the thread.
func openAsNow(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
}

// openShared opens with the rights of the users who can change the path.
func openShared(path string) (*os.File, error) {
	f, err := safepath.Opener{}.Open(path)
	if err != nil {
		return nil, err
	}
	return f.File, nil
}

func (in Interest) disk() disk { return disk{lstat: os.Lstat, open: in.opener()} }

func (in Interest) opener() opener {
	if in.Shared {
		return openShared
	}
	return openAsNow
}
