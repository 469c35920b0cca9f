package account

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// ReadFile is the function ReadFile with the account's rights.
func (a *Account) ReadFile(name string, limit int64) ([]byte, error) {
	var data []byte
	err := a.Do(func() (err error) {
		data, err = ReadFile(name, limit)
		return err
	})
	return data, err
}

// ReadFile reads a regular file of at most limit bytes. It never waits, as for the other end of a named pipe, and an error
// names the file.
func ReadFile(name string, limit int64) ([]byte, error) {
	f, err := os.OpenFile(name, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := ReadRegular(f, limit)
	if err != nil {
		return nil, &os.PathError{Op: "read", Path: name, Err: err}
	}
	return data, nil
}

// ErrNotRegular is returned for a file that is neither regular nor a folder.
var ErrNotRegular = errors.New("it is not a regular file")

// ReadRegular reads an open file, which must be regular and have at most limit bytes.
func ReadRegular(f *os.File, limit int64) ([]byte, error) {
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, errors.New("it is a folder")
	case !info.Mode().IsRegular():
		return nil, ErrNotRegular
	case info.Size() > limit:
		return nil, &TooLargeError{info.Size(), limit}
	}
	// Others may be writing to it.
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		return nil, &TooLargeError{int64(len(data)), limit}
	}
	return data, err
}

// TooLargeError is returned for a file that has more bytes than are read.
type TooLargeError struct {
	Size  int64
	Limit int64
}

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("it has %d bytes, and at most %d are read", e.Size, e.Limit)
}
