package files

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// MakeFolder creates a folder with exactly the given mode, regardless of the umask. It also creates
// missing parents, which everyone may enter. An existing folder is left unchanged; an existing file
// of another kind is an error.
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

// MakeTemporary creates a new temporary folder as [os.MkdirTemp] does. Only this process's user can
// enter it, regardless of the umask.
func MakeTemporary(parent, pattern string) (string, error) {
	dir, err := os.MkdirTemp(parent, pattern)
	if err != nil {
		return "", err
	}
	return dir, os.Chmod(dir, 0o700)
}
