package loader

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/modgw/modgw/internal/account"
)

// largestFile is how many bytes of a descriptor, or of a file that it reads, are taken.
const largestFile = 1 << 20

// reader opens files with the right rights and remembers what was asked for, also what could not be read: when such a
// file appears, the descriptor means something else.
type reader struct {
	as   *account.Account // whose rights; nil: found for each path by rightsFor
	seen *record
}

// readFile reads a file that a descriptor names.
func (r *reader) readFile(path string) ([]byte, error) {
	r.seen.noteSource(path)
	return r.read(path)
}

// read is readFile for a file that is remembered elsewhere.
func (r *reader) read(path string) ([]byte, error) {
	var data []byte
	err := r.do(path, func() (err error) {
		data, err = account.ReadFile(path, largestFile)
		return err
	})
	return data, err
}

// stat tells what is at path, following links.
func (r *reader) stat(path string) (fs.FileInfo, error) {
	var info fs.FileInfo
	err := r.do(path, func() (err error) {
		info, err = os.Stat(path)
		return err
	})
	return info, err
}

// do runs f with the rights that opening path takes.
func (r *reader) do(path string, f func() error) error {
	as := r.as
	if as == nil {
		var err error
		if as, err = rightsFor(path); err != nil {
			return err
		}
	}
	return as.Do(f)
}

// reason is an error of the file system without the path, which the message around it names already.
func reason(err error) string {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		return path.Err.Error()
	}
	return err.Error()
}

// linkTarget follows the links of the last element of path, so that a descriptor that is linked into a folder of
// enabled apps belongs to where it really is. Links of folders stay as they are: "/srv/blog/current" is meant.
func linkTarget(path string) string {
	for range 40 {
		next, err := os.Readlink(path)
		if err != nil {
			return path
		}
		if !filepath.IsAbs(next) {
			next = filepath.Join(filepath.Dir(path), next)
		}
		path = next
	}
	return path
}
