package account

import (
	"errors"
	"fmt"
	"io"
	"os"
)

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

// TooLargeError is returned for a file that exceeds the limit.
type TooLargeError struct {
	Size  int64 // bytes of the file
	Limit int64 // bytes allowed
}

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("it has %d bytes, and at most %d are read", e.Size, e.Limit)
}
