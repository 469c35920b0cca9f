package files

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// MakeFolder makes a folder with exactly the mode, whatever the umask is. Missing folders above it
// are made too, with permission for everyone to enter. An existing folder stays as it is; another
// file is an error.
func MakeFolder(dir string, mode fs.FileMode) error {
	switch info, err := os.Stat(dir); {
	case err == nil && !info.IsDir():
		return fmt.Errorf("cannot use %q: it is no folder", dir)
	case err == nil || !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if err := MakeFolder(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	if err := os.Mkdir(dir, mode); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return nil // another process was faster
		}
		return err
	}
	return os.Chmod(dir, mode)
}

// MakeTemporary makes a new folder that only this process's user can enter, whatever the umask is,
// as [os.MkdirTemp] does.
func MakeTemporary(parent, pattern string) (string, error) {
	dir, err := os.MkdirTemp(parent, pattern)
	if err != nil {
		return "", err
	}
	return dir, os.Chmod(dir, 0o700)
}
