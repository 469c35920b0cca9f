package reload

import (
	"os"
	"path/filepath"
	"slices"
)

// findBlind looks for files that are mounted one by one: what is mounted there stays when the file outside is replaced,
// and no watching and no polling in here can see that. It says so once.
func (a *app) findBlind() {
	var blind []string
	for point := range a.shared.mounts.points() {
		if a.counts(point) {
			blind = append(blind, point)
		}
	}
	slices.Sort(blind)
	for _, path := range blind {
		if !slices.Contains(a.blind, path) {
			a.log.Warn("replacing a file will not be seen", "err", mountedAlone(path))
		}
	}
	a.blind = blind
}

// counts reports whether a mount point is a file of the interest.
func (a *app) counts(point string) bool {
	dir, name := splitPath(point)
	matters := a.last.pins[dir][name]
	for _, p := range a.last.dirs[dir] {
		matters = matters || p.tree.class(filepath.Join(p.rel, name)) != Nothing
	}
	if !matters {
		return false
	}
	info, err := os.Lstat(point)
	return err == nil && info.Mode().IsRegular()
}
