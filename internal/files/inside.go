package files

import (
	"path/filepath"
	"slices"
)

// Inside returns a path as seen from a folder, and reports whether it is the folder or lies in it.
// It compares names only, so a link that leads elsewhere counts as inside.
func Inside(folder, path string) (rel string, ok bool) {
	rel, err := filepath.Rel(folder, path)
	return rel, err == nil && filepath.IsLocal(rel)
}

// InsideAny reports whether a path is one of the folders or lies in one, as [Inside] does.
func InsideAny(folders []string, path string) bool {
	return slices.ContainsFunc(folders, func(folder string) bool {
		_, ok := Inside(folder, path)
		return ok
	})
}

// Relative returns a path as seen from a folder if it lies inside, otherwise the path itself.
func Relative(folder, path string) string {
	if rel, ok := Inside(folder, path); ok {
		return rel
	}
	return path
}
