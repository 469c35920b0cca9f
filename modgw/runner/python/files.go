package python

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/modgw/modgw/internal/atomicfile"
	"github.com/modgw/modgw/internal/files"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/runner/python/zygote"
)

//go:embed worker/__main__.py worker/modgw_worker/*.py
var sources embed.FS

// Files locates the unpacked Python code of the worker. Its zero value is not usable.
type Files struct {
	Dir   string // folder that the interpreter runs
	State string // the folder of the host below which workers find sockets to attach at

	// Zygotes has the template processes that workers are forked from; nil: each worker is started
	// on its own.
	Zygotes *zygote.Set

	// Outside is called with the files of modules that an app has loaded from outside its root and
	// that belong neither to its environment nor to Python, such as those of an editable install.
	// Workers report them if Zygotes is set. The worker was started at the given time. nil: it is
	// not called.
	Outside func(app modgw.AppName, files []string, started time.Time)

	// unpacked is the folder that Unpack has written. Code elsewhere is not verified.
	unpacked string
}

// Unpack writes the worker's Python code below stateDir, into a folder named by the hash of its
// content, readable for every app's user.
func Unpack(stateDir string) (Files, error) {
	name, err := contentHash()
	if err != nil {
		return Files{}, err
	}
	dir := filepath.Join(stateDir, "worker", name)
	f := Files{Dir: dir, State: stateDir, unpacked: dir}
	return f, f.verify()
}

// verify checks the files of the worker and rewrites those that differ: a full disk or a power
// failure leaves empty files behind, and other programs clean folders up. Call it before starting
// an interpreter with them.
func (f Files) verify() error {
	if f.Dir != f.unpacked {
		return nil
	}
	rewritten := false
	err := fs.WalkDir(sources, "worker", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		inside, err := filepath.Rel("worker", name)
		if err != nil {
			return err
		}
		path := filepath.Join(f.Dir, inside)
		if d.IsDir() {
			return verifyFolder(path)
		}
		changed, err := verifyFile(path, name)
		rewritten = rewritten || changed
		return err
	})
	if err == nil && rewritten {
		err = os.RemoveAll(filepath.Join(f.Dir, "modgw_worker", "__pycache__"))
	}
	if err != nil {
		return fmt.Errorf("cannot unpack the worker into %q: %w", f.Dir, err)
	}
	return nil
}

func contentHash() (string, error) {
	hash := sha256.New()
	err := fs.WalkDir(sources, "worker", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(sources, name)
		fmt.Fprintf(hash, "%q %d\n", name, len(data))
		hash.Write(data)
		return err
	})
	return hex.EncodeToString(hash.Sum(nil)[:8]), err
}

// verifyFolder makes a folder that every user can enter and only its owner can change.
func verifyFolder(dir string) error {
	if err := files.MakeFolder(dir, 0o755); err != nil {
		return err
	}
	return verifyMode(dir, 0o755)
}

// verifyFile reports whether the file had to be rewritten because it differed from the embedded
// one.
func verifyFile(path, name string) (rewritten bool, err error) {
	want, err := fs.ReadFile(sources, name)
	if err != nil {
		return false, err
	}
	if got, err := readFile(path, len(want)); err == nil && bytes.Equal(got, want) {
		return false, verifyMode(path, 0o644)
	}
	if info, err := os.Lstat(path); err == nil && info.IsDir() {
		if err := os.RemoveAll(path); err != nil {
			return true, err
		}
	}
	return true, atomicfile.Write(path, want, 0o644)
}

// readFile reads a regular file of a length, and a byte more if there is one.
func readFile(path string, length int) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data := make([]byte, length+1)
	n, err := io.ReadFull(f, data)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	return data[:n], err
}

// verifyMode sets the mode of a file that belongs to this process's user. A file of another user,
// such as root's for a user who attaches, is left alone.
func verifyMode(path string, mode fs.FileMode) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	owner := info.Sys().(*syscall.Stat_t)
	if info.Mode().Perm() == mode || int(owner.Uid) != os.Geteuid() {
		return nil
	}
	return os.Chmod(path, mode)
}
