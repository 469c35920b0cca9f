package python

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/modgw/modgw/modgw"
)

//go:embed worker/__main__.py worker/modgw_worker/*.py
var sources embed.FS

// Files says where the worker's Python code was unpacked. There is no use in its zero value.
type Files struct {
	Dir   string // what the interpreter runs
	State string // the folder of the host below which workers find sockets to attach at

	// Templates are those that workers are forked from; nil: every worker is started on its own.
	Templates *Templates

	// Outside is called, for each worker that tells, with the files of the modules that the app has loaded from outside
	// its root and that belong neither to its environment nor to Python, such as those of a package that is installed as
	// editable. Workers tell where there are Templates. nil: nobody wants to know.
	Outside func(app modgw.AppName, files []string)
}

// Unpack writes the worker's Python code below stateDir, into a folder named by the hash of its content, readable for
// every app's user. A folder that is there already is used as it is: it was complete when it got its name.
func Unpack(stateDir string) (Files, error) {
	code, err := fs.Sub(sources, "worker")
	if err != nil {
		return Files{}, err
	}
	name, err := contentHash(code)
	if err != nil {
		return Files{}, err
	}
	parent := filepath.Join(stateDir, "worker")
	dir := filepath.Join(parent, name)
	files := Files{Dir: dir, State: stateDir}
	if _, err := os.Stat(dir); err == nil {
		return files, nil
	}
	if err := unpackAs(dir, parent, code); err != nil {
		return Files{}, fmt.Errorf("cannot unpack the worker into %q: %w", dir, err)
	}
	return files, nil
}

func contentHash(code fs.FS) (string, error) {
	hash := sha256.New()
	err := fs.WalkDir(code, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(code, path)
		fmt.Fprintf(hash, "%q %d\n", path, len(data))
		hash.Write(data)
		return err
	})
	return hex.EncodeToString(hash.Sum(nil)[:8]), err
}

// unpackAs fills a temporary folder and gives it the name when it is complete.
func unpackAs(dir, parent string, code fs.FS) error {
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return err
	}
	if err := os.Chmod(parent, 0o755); err != nil { // whatever the umask is
		return err
	}
	made, err := os.MkdirTemp(parent, ".new-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(made)
	if err := copyTree(made, code); err != nil {
		return err
	}
	if err := os.Rename(made, dir); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

func copyTree(dir string, code fs.FS) error {
	return fs.WalkDir(code, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		target := filepath.Join(dir, path)
		if d.IsDir() {
			if err := os.MkdirAll(target, 0o755); err != nil {
				return err
			}
			return os.Chmod(target, 0o755)
		}
		return copyFile(target, code, path)
	})
}

func copyFile(target string, code fs.FS, path string) error {
	in, err := code.Open(path)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(target, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Chmod(0o644), out.Close())
}
