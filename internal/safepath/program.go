package safepath

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
)

// FindProgram returns the absolute path of the program that the first word of a command names:
// below root when there is a slash in it, else in the PATH of env.
func (o Opener) FindProgram(name, root string, env []string) (string, error) {
	if strings.Contains(name, "/") {
		if !filepath.IsAbs(name) {
			name = filepath.Join(root, name)
		}
		return name, nil // whether it can be run is for its user to find out
	}
	for _, variable := range env {
		path, ok := strings.CutPrefix(variable, "PATH=")
		if !ok {
			continue
		}
		for _, dir := range filepath.SplitList(path) {
			if file := filepath.Join(dir, name); o.IsProgram(file) {
				return file, nil
			}
		}
		return "", fmt.Errorf("cannot find program %q in %s: %w", name, path, fs.ErrNotExist)
	}
	return "", fmt.Errorf("cannot find program %q: there is no PATH: %w", name, fs.ErrNotExist)
}

// IsProgram reports whether an absolute path leads to an executable file.
func (o Opener) IsProgram(path string) bool {
	info, err := o.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}
