package venv

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/modgw/modgw/internal/account"
)

// Bounds for folders whose content is part of the inputs.
const (
	maxTreeFiles = 50_000
	maxTreeSize  = 1 << 30
)

// tree is the files of a folder that matter.
type tree struct {
	dir     string
	account *account.Account
	enter   func(name string) bool // whether files in a folder of this name matter
	matters func(path string) bool // whether a file does, by its path relative to dir
}

// digest is a hash of the names and contents of all files that matter.
func (t tree) digest() (digest string, err error) {
	err = t.account.Do(func() error {
		digest, err = t.walk()
		return err
	})
	return digest, err
}

func (t tree) walk() (string, error) {
	h := sha256.New()
	files, left := 0, int64(maxTreeSize)
	err := filepath.WalkDir(t.dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return ignoreMissing(err)
		}
		rel, err := filepath.Rel(t.dir, path)
		if err != nil {
			return err
		}
		if e.IsDir() {
			if rel != "." && !t.enter(e.Name()) {
				return filepath.SkipDir
			}
			return nil
		}
		if !t.matters(rel) {
			return nil
		}
		if files++; files > maxTreeFiles {
			return fmt.Errorf("there are more than %d files in %q", maxTreeFiles, t.dir)
		}
		sum, size, err := digestFile(path, left)
		left -= size
		feed(h, rel, sum)
		return ignoreMissing(err)
	})
	return hex.EncodeToString(h.Sum(nil)), err
}

// digestFile returns a hash of the content of a regular file of at most limit bytes; for anything
// else, of its type.
func digestFile(path string, limit int64) (sum string, size int64, err error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	return digestOpen(f, limit)
}

// digestOpen is digestFile for a file that is open.
func digestOpen(f *os.File, limit int64) (sum string, size int64, err error) {
	info, err := f.Stat()
	if err != nil {
		return "", 0, err
	}
	if !info.Mode().IsRegular() {
		return info.Mode().Type().String(), 0, nil
	}
	h := sha256.New()
	size, err = io.Copy(h, io.LimitReader(f, limit))
	if size == limit && err == nil {
		err = fmt.Errorf("the files around %q have more than %d MiB", f.Name(), maxTreeSize>>20)
	}
	return hex.EncodeToString(h.Sum(nil)), size, err
}

// sourceFolder reports whether a folder of a Python project can have sources, and is not one of
// tools.
func sourceFolder(name string) bool {
	switch name {
	case "__pycache__", "node_modules", "build", "dist", "venv":
		return false
	}
	return !strings.HasPrefix(name, ".") && !strings.HasSuffix(name, ".egg-info")
}
