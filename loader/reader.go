package loader

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

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
		data, err = readRegular(path)
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

// readRegular reads a regular file of bounded size. It is opened without waiting, so that a FIFO cannot hold it up.
func readRegular(path string) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, errors.New("it is a folder")
	case !info.Mode().IsRegular():
		return nil, errors.New("it is not a regular file")
	case info.Size() > largestFile:
		return nil, &tooLargeError{info.Size()}
	}
	data, err := io.ReadAll(io.LimitReader(f, largestFile+1))
	if err == nil && len(data) > largestFile {
		return nil, &tooLargeError{int64(len(data))}
	}
	return data, err
}

type tooLargeError struct{ size int64 }

func (e *tooLargeError) Error() string {
	return fmt.Sprintf("it has %d bytes, and at most %d are read", e.size, largestFile)
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
