package reload

// differences returns the files that differ between two snapshots, or are in only one.
func differences(before, after *snapshot) []difference {
	var found []difference
	compare := func(path string) {
		if d, differs := differenceAt(path, before, after); differs {
			found = append(found, d)
		}
	}
	if paths, known := after.files.changedSince(&before.files); known {
		for path := range paths {
			compare(path)
		}
		return found
	}
	for path := range after.files.all() {
		compare(path)
	}
	for path := range before.files.all() {
		if _, ok := after.files.get(path); !ok {
			compare(path)
		}
	}
	return found
}

// differenceAt compares one file, and reports whether it differs.
func differenceAt(path string, before, after *snapshot) (d difference, differs bool) {
	old, was := before.files.get(path)
	now, is := after.files.get(path)
	switch {
	case !was && !is, was && is && old.same(now):
		return difference{}, false
	case !was:
		return difference{path, now.class, "added"}, true
	case !is:
		return difference{path, old.class, "removed"}, true
	}
	return difference{path, max(old.class, now.class), old.verb(now)}, true
}

// difference is one file that has changed.
type difference struct {
	path  string // absolute
	class Class
	verb  string // "added", "changed", "removed", or the new state of a directory
}
