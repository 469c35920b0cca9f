package loader

import (
	"errors"
	"io/fs"

	"github.com/modgw/modgw/internal/account"
	"github.com/modgw/modgw/internal/safepath"
)

// largestFile is how many bytes of a descriptor, or of a file that it reads, are taken.
const largestFile = 1 << 20

// reader opens files with the right rights and records the paths. It records those that could not
// be read, too: when such a file appears, the descriptor changes its meaning.
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

// stat returns the type and state of the file at path, following links.
func (r *reader) stat(path string) (fs.FileInfo, error) { return r.opener().Stat(path) }

// reason is an error of the file system without the path, which the message around it names
// already.
func reason(err error) string {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		return path.Err.Error()
	}
	return err.Error()
}
