package reload

import (
	"os"
	"path/filepath"
	"slices"
)

// findFileMounts looks for files of the interest that are mounted one by one, and logs them once.
// Such a mount stays when the file outside is replaced, which neither events nor polling show.
func (a *app) findFileMounts() {
	var found []string
	for point := range a.shared.mounts.points() {
		if a.isOwnFile(point) {
			found = append(found, point)
		}
	}
	slices.Sort(found)
	for _, path := range found {
		if !slices.Contains(a.fileMounts, path) {
			a.log.Warn("replacing a file will not be noticed", "error", mountedAlone(path))
		}
	}
	a.fileMounts = found
}

// isOwnFile reports whether a mount point is a file of the interest.
func (a *app) isOwnFile(point string) bool {
	dir, name := splitPath(point)
	matters := a.last.ancestors[dir][name]
	for _, p := range a.last.dirs[dir] {
		matters = matters || p.tree.class(filepath.Join(p.rel, name)) != Nothing
	}
	if !matters {
		return false
	}
	info, err := os.Lstat(point)
	return err == nil && info.Mode().IsRegular()
}
