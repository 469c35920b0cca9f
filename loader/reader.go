package loader

import (
	"errors"
	"io/fs"

	"github.com/modgw/modgw/internal/account"
	"github.com/modgw/modgw/internal/safepath"
)

// largestFile is how many bytes of a descriptor, or of a file that it reads, are taken.
const largestFile = 1 << 20

// reader opens files with the right rights and remembers what was asked for, also what could not be
// read: when such a file appears, the descriptor means something else.
type reader struct {
	as   *account.Account // nil: the users who can change a path
	seen *record
}

func (r *reader) opener() safepath.Opener { return safepath.Opener{User: r.as} }

// readFile reads a file that a descriptor names.
func (r *reader) readFile(path string) ([]byte, error) {
	r.seen.noteSource(path)
	return r.read(path)
}

// read is readFile for a file that is remembered elsewhere.
func (r *reader) read(path string) ([]byte, error) { return r.opener().ReadFile(path, largestFile) }

// stat tells what is at path, following links.
func (r *reader) stat(path string) (fs.FileInfo, error) { return r.opener().Stat(path) }

// reason is an error of the file system without the path, which the message around it names
// already.
func reason(err error) string {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		return path.Err.Error()
	}
	return err.Error()
}
