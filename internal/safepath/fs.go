package safepath

import (
	"io/fs"
	"path/filepath"
)

// FS returns a file system of the files below an absolute path. Links may lead out of it; each file
// is opened as if it were the only one.
func (o Opener) FS(dir string) fs.FS { return folderFS{o, dir} }

type folderFS struct {
	opener Opener
	dir    string
}

var (
	_ fs.StatFS    = folderFS{}
	_ fs.ReadDirFS = folderFS{}
)

// Open opens a file or folder.
func (f folderFS) Open(name string) (fs.File, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	return f.opener.Open(filepath.Join(f.dir, name))
}

// Stat describes a file or folder.
func (f folderFS) Stat(name string) (fs.FileInfo, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrInvalid}
	}
	return f.opener.Stat(filepath.Join(f.dir, name))
}

// ReadDir lists a folder, sorted by name.
func (f folderFS) ReadDir(name string) ([]fs.DirEntry, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	return f.opener.ReadDir(filepath.Join(f.dir, name))
}
