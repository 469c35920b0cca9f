package reload

import (
	"path/filepath"
	"strings"
)

// rootless reports whether the app has lost its root. Nothing is reported then, for no new worker could start in it: the
// workers that run go on, and the root is waited for.
func (a *app) rootless() bool {
	_, known := a.reported.files[a.now.Root]
	_, there := a.last.files[a.now.Root]
	if there || !known {
		return false
	}
	if !a.gone {
		a.gone = true
		a.log.Warn("the app's folder is gone; its workers go on, and it is waited for", "err", rootGone(a.now.Interest))
		a.show()
	}
	return true
}

// restored makes a change of a root that came back, even when it looks like the one that went: workers still run in that.
func (a *app) restored() {
	root := a.now.Root
	if now, there := a.last.files[root]; a.gone && there {
		a.gone = false
		a.missed[root] = difference{root, now.class, "restored"}
		a.show()
	}
}

// remounted reports whether something was mounted or unmounted at, above or in the folders that matter.
func (a *app) remounted(paths []string) bool {
	for _, path := range paths {
		if a.touches(path) {
			a.remote = a.deafness()
			if !a.spent {
				a.polling = ""
			}
			return true
		}
	}
	return false
}

func (a *app) touches(path string) bool {
	dir, name := splitPath(path)
	if a.last.dirs[path] != nil || a.last.dirs[dir] != nil || a.last.pins[dir][name] {
		return true
	}
	for watched := range a.last.dirs {
		if within(path, watched) {
			return true
		}
	}
	for watched := range a.last.pins {
		if within(path, watched) {
			return true
		}
	}
	return false
}

// within reports whether path is dir or below it.
func within(dir, path string) bool {
	return path == dir || strings.HasPrefix(path, strings.TrimSuffix(dir, string(filepath.Separator))+string(filepath.Separator))
}
