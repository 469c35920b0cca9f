package loader

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/modgw/modgw/internal/account"
	"github.com/modgw/modgw/internal/files"
	"github.com/modgw/modgw/internal/safepath"
)

// largestFile is the largest size of a descriptor, or of a file that it reads, in bytes.
const largestFile = 1 << 20

// reader opens files with the right permissions and records the paths. It also records files that
// could not be read: when such a file appears, the descriptor changes its meaning.
type reader struct {
	as   *account.Account // nil: the users who can change a path
	seen *record

	// within are folders to one of which a path must lead that a descriptor names, wherever links
	// point. nil: it may lead anywhere.
	within []string
}

func (r *reader) opener() safepath.Opener { return safepath.Opener{User: r.as} }

// readFile reads a file that a descriptor names.
func (r *reader) readFile(path string) ([]byte, error) {
	r.seen.noteSource(path)
	if r.within == nil {
		return r.read(path)
	}
	f, err := r.opener().Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	// Others can change the target of a name, so check the file that was opened.
	leads, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", f.Fd()))
	if err != nil {
		return nil, err
	}
	if !files.InsideAny(r.within, leads) {
		return nil, fmt.Errorf("it leads to %q, which the host file does not allow in the sandbox of the app", leads)
	}
	return account.ReadRegular(f.File, largestFile)
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
