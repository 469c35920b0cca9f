package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Write replaces the file at path with data. A reader sees either the old or the new content. When
// Write returns nil, the new content is on the disk. The file mode is exactly perm, regardless of
// the umask.
func Write(path string, data []byte, perm fs.FileMode) error {
	return WriteAs(path, data, perm, -1, -1)
}

// WriteAs is Write for a file that gets another owner and group; a negative uid leaves both alone.
func WriteAs(path string, data []byte, perm fs.FileMode, uid, gid int) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil && uid >= 0 {
		err = f.Chown(uid, gid)
	}
	if err == nil {
		err = f.Chmod(perm)
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return syncFolder(filepath.Dir(path))
}

// syncFolder makes the new name durable: an fsync of the file does not cover the folder that
// contains its name.
func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
