package reload

import (
	"os"
	"syscall"

	"github.com/modgw/modgw/internal/safepath"
)

// opener opens files and folders. It never waits, as for the other end of a pipe that took a file's place.
type opener func(path string) (*os.File, error)

// openAsNow opens with the rights that the thread has.
func openAsNow(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
}

// openShared opens with the rights of whoever can change the path.
func openShared(path string) (*os.File, error) {
	f, err := safepath.Opener{}.Open(path)
	if err != nil {
		return nil, err
	}
	return f.File, nil
}

func (in Interest) opener() opener {
	if in.Shared {
		return openShared
	}
	return openAsNow
}
