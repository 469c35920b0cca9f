package reload

import (
	"path/filepath"
	"slices"
	"strings"
)

// hasLostRoot reports whether the app has lost its root or everything in it. Nothing is reported
// then, since no new worker could start: the workers go on, and the root is awaited.
func (a *app) hasLostRoot() bool {
	lacks := a.rootProblem()
	if lacks == "" || lacks == a.rootProblemIn(a.reported) {
		return false
	}
	if !a.rootGone {
		a.rootGone = true
		a.log.Warn("files of the app are gone, its workers go on until they are back", "error", rootGone(a.interest.Interest))
	}
	a.updateStatus()
	return true
}

// rootProblem describes the problem of the root: it is missing, or empty; "" if there is none.
func (a *app) rootProblem() string { return a.rootProblemIn(a.last) }

func (a *app) rootProblemIn(s *snapshot) string {
	root := a.interest.Root
	if root == "" || len(a.interest.rules.trees) == 0 {
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

// noteRestored records a root that came back as changed, even when it looks the same: workers
// still run in the old one. It reports whether there was one.
func (a *app) noteRestored() bool {
	root := a.interest.Root
	now, there := a.last.files.get(root)
	if !a.rootGone || !there {
		return false
	}
	a.rootGone = false
	a.unreported[root] = difference{root, now.class, "restored"}
	return true
}

// handleMounts reports whether something was mounted or unmounted at, above or in folders that
// matter.
func (a *app) handleMounts(paths []string) bool {
	if slices.ContainsFunc(paths, a.isAffectedBy) {
		a.noEvents = a.noEventsReason()
		if !a.eventsFailed {
			a.polling = ""
		}
		return true
	}
	return false
}

func (a *app) isAffectedBy(path string) bool {
	dir, name := splitPath(path)
	if a.last.dirs[path] != nil || a.last.dirs[dir] != nil || a.last.ancestors[dir][name] {
		return true
	}
	for watched := range a.last.dirs {
		if within(path, watched) {
			return true
		}
	}
	for watched := range a.last.ancestors {
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
