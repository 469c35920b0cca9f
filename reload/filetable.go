package reload

import (
	"iter"
	"maps"
)

// fileTable holds the states of files by path. A table that was branched from another shares its
// files and records only differences, so that the time to compare the two depends on the number of
// differences, and not on the number of files.
type fileTable struct {
	base *fileMap
	size int
	// differs from base; nil files are removed; a nil map: base is written
	changed map[string]*entry
}

type fileMap map[string]entry

func newFileTable(capacity int) fileTable {
	base := make(fileMap, capacity)
	return fileTable{base: &base}
}

func (t *fileTable) len() int { return t.size }

func (t *fileTable) get(path string) (entry, bool) {
	if e, ok := t.changed[path]; ok {
		if e == nil {
			return entry{}, false
		}
		return *e, true
	}
	e, ok := (*t.base)[path]
	return e, ok
}

func (t *fileTable) set(path string, e entry) {
	if _, ok := t.get(path); !ok {
		t.size++
	}
	if t.changed == nil {
		(*t.base)[path] = e
	} else {
		t.changed[path] = &e
	}
}

func (t *fileTable) remove(path string) {
	if _, ok := t.get(path); !ok {
		return
	}
	t.size--
	if t.changed == nil {
		delete(*t.base, path)
	} else {
		t.changed[path] = nil
	}
}

// all yields every file, in no order.
func (t *fileTable) all() iter.Seq2[string, entry] {
	return func(yield func(string, entry) bool) {
		for path, e := range *t.base {
			if _, ok := t.changed[path]; !ok && !yield(path, e) {
				return
			}
		}
		for path, e := range t.changed {
			if e != nil && !yield(path, *e) {
				return
			}
		}
	}
}

// branch returns a table with the same files that changes by itself.
func (t *fileTable) branch() fileTable {
	changed := maps.Clone(t.changed)
	if changed == nil {
		changed = map[string]*entry{}
	}
	return fileTable{base: t.base, changed: changed, size: t.size}
}

// merge writes the differences into the shared files. No other table that shares them may be used
// after it.
func (t *fileTable) merge() {
	for path, e := range t.changed {
		if e == nil {
			delete(*t.base, path)
		} else {
			(*t.base)[path] = *e
		}
	}
	t.changed = nil
}

// changedSince returns the paths whose states may differ from those in before. It is false when the
// tables share no files, so that every path may.
func (t *fileTable) changedSince(before *fileTable) (paths map[string]bool, known bool) {
	if t.base != before.base {
		return nil, false
	}
	paths = make(map[string]bool, len(t.changed)+len(before.changed))
	for path := range t.changed {
		paths[path] = true
	}
	for path := range before.changed {
		paths[path] = true
	}
	return paths, true
}
