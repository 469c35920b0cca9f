package reload

import (
	"path/filepath"
	"strings"
)

// rootless reports whether the app has lost its root, or all that was in it. Nothing is reported then, for no new worker
// could start: the workers that run go on, and the root is waited for.
func (a *app) rootless() bool {
	lacks := a.lacking()
	if lacks == "" || lacks == a.lackingIn(a.reported) {
		return false
	}
	if !a.gone {
		a.gone = true
		a.log.Warn("the app's files are gone; its workers go on, and they are waited for", "err", rootGone(a.now.Interest))
	}
	a.show()
	return true
}

// lacking says what is wrong with the root: it is missing, or empty; "" when nothing is.
func (a *app) lacking() string { return a.lackingIn(a.last) }

func (a *app) lackingIn(s *snapshot) string {
	root := a.now.Root
	if root == "" || len(a.now.rules.trees) == 0 {
		return ""
	}
	if _, there := s.files.get(root); !there {
		return "missing"
	}
	for path := range s.files.all() {
		if path != root && within(root, path) {
			return ""
		}
	}
	return "empty"
}

// restored makes a change of a root that came back, even when it looks like the one that went: workers still run in that.
// It reports whether there was one.
func (a *app) restored() bool {
	root := a.now.Root
	now, there := a.last.files.get(root)
	if !a.gone || !there {
		return false
	}
	a.gone = false
	a.missed[root] = difference{root, now.class, "restored"}
	return true
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
