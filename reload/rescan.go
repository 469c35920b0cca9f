package reload

import (
	"context"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"time"
)

// rescan scans the paths named by events and copies the rest from the last scan. It reports false
// if links, the way to a tree or to a single file, or limits are involved: those affect more than
// the path of an event.
func (a *app) rescan(ctx context.Context) (*scanner, bool) {
	if a.dirty.all || a.polling != "" || a.noEvents != "" || a.tooManyFolders || a.oversizedLink != "" {
		return nil, false
	}
	s, complete := a.scanner(), false
	look := func() error { complete = s.rescan(ctx, a.last, a.dirty.paths); return nil }
	if err := a.interest.Account.Do(look); err != nil {
		return nil, false // the scan that follows meets the same error and handles it
	}
	return s, complete
}

// rescan makes a snapshot from an earlier one and from the current state of the paths. It reports
// whether nothing else can differ; otherwise the snapshot is useless.
func (s *scanner) rescan(ctx context.Context, earlier *snapshot, paths map[string]bool) bool {
	s.previous, s.out, s.now, s.mode = earlier, earlier.branch(), time.Now(), scanNamed
	if len(earlier.unfinished) == unfinishedLimit {
		return false
	}
	files, folders := map[string]fs.FileInfo{}, map[string]fs.FileInfo{}
	for path := range paths {
		dir, name := splitPath(path)
		info, _ := s.disk.lstat(path) // unreadable counts as missing
		isFolder := info != nil && info.IsDir()
		switch {
		case info != nil && info.Mode()&fs.ModeSymlink != 0:
			return false
		case s.out.ancestors[dir][name] && (isFolder || !s.isTarget(path)):
			return false
		case isFolder || s.out.dirs[path] != nil:
			folders[path] = info
		default:
			files[path] = info
		}
	}
	complete := s.rescanFolders(ctx, folders) && s.rescanFiles(ctx, files)
	return complete && !s.full && s.linksMet == 0 && ctx.Err() == nil
}

// isTarget reports whether a path belongs to a file, and is not on the way to another one.
func (s *scanner) isTarget(path string) bool {
	return s.out.targets[path] != nil && s.out.ancestors[path] == nil
}

// rescanFolders walks the folders that were added, removed or changed themselves.
func (s *scanner) rescanFolders(ctx context.Context, folders map[string]fs.FileInfo) bool {
	if len(folders) == 0 {
		return true
	}
	paths := map[string]bool{} // as the trees name them
	for real := range folders {
		places := s.previous.dirs[filepath.Dir(real)]
		if len(places) == 0 {
			return false
		}
		for _, p := range places {
			if p.linked || p.unlisted {
				return false
			}
			paths[p.path(real)] = true
		}
	}
	if !s.forgetFolders(folders) {
		return false
	}
	s.forgetFiles(paths)
	for _, real := range slices.Sorted(maps.Keys(folders)) {
		info := folders[real]
		if info == nil || isBelow(folders, filepath.Dir(real)) {
			continue // it is gone, or was walked with the folder above
		}
		for _, p := range s.previous.dirs[filepath.Dir(real)] {
			s.names, s.open = map[string]int{}, map[string]bool{}
			s.visit(ctx, p.tree, real, p.below(real), p.depth, info.Mode().Type())
		}
	}
	return true
}

// forgetFolders removes the folders, and all below them, from the snapshot. It reports false where
// another link or tree leads there, too.
func (s *scanner) forgetFolders(folders map[string]fs.FileInfo) bool {
	s.out.dirs = maps.Clone(s.out.dirs)
	for dir, places := range s.previous.dirs {
		if !isBelow(folders, dir) {
			continue
		}
		if s.out.ancestors[dir] != nil || !sameWay(s.previous.dirs[filepath.Dir(dir)], places, dir) {
			return false
		}
		delete(s.out.dirs, dir)
	}
	s.forgetUnfinished(folders)
	return true
}

// forgetUnfinished forgets the unfinished names that are at the paths or below them.
func (s *scanner) forgetUnfinished(paths map[string]fs.FileInfo) {
	below := func(path string) bool { return isBelow(paths, path) }
	s.out.unfinished = slices.DeleteFunc(s.out.unfinished, below)
}

// forgetFiles forgets all files at the paths and below them.
func (s *scanner) forgetFiles(paths map[string]bool) {
	var gone []string
	for path := range s.out.files.all() {
		if isBelow(paths, path) {
			gone = append(gone, path)
		}
	}
	for _, path := range gone {
		s.out.files.remove(path)
	}
}

// rescanFiles scans the files that were added, removed or changed.
func (s *scanner) rescanFiles(ctx context.Context, files map[string]fs.FileInfo) bool {
	s.forgetUnfinished(files)
	for real, info := range files {
		places, targets := s.out.dirs[filepath.Dir(real)], s.out.targets[real]
		exists := info != nil && info.Mode().IsRegular()
		if info != nil && !exists && targets != nil {
			return false
		}
		for _, p := range places {
			path := p.path(real)
			if _, was := s.out.files.get(path); p.linked && exists != was {
				return false
			}
			s.out.files.remove(path)
		}
		for _, t := range targets {
			s.out.files.remove(t.path)
		}
		if info == nil {
			continue
		}
		for _, p := range places {
			if !p.unlisted {
				s.visit(ctx, p.tree, real, p.below(real), p.depth, info.Mode().Type())
			}
		}
		for _, t := range targets {
			s.add(t.path, real, info, t.class)
		}
	}
	return true
}

// below returns the path below the tree's base of something in the folder at p.
func (p place) below(real string) string { return joined(p.rel, filepath.Base(real)) }

// path returns the path, as the tree names it, of something in the folder at p.
func (p place) path(real string) string { return filepath.Join(p.tree.base, p.below(real)) }

// sameWay reports whether a folder is in the trees only because it is in the folder above.
func sameWay(above, places []place, dir string) bool {
	if len(above) != len(places) {
		return false
	}
	for _, p := range above {
		through := func(q place) bool { return q.tree == p.tree && q.rel == p.below(dir) }
		if !slices.ContainsFunc(places, through) {
			return false
		}
	}
	return true
}

// isBelow reports whether a path or a folder above it is among the paths.
func isBelow[V any](paths map[string]V, path string) bool {
	for {
		if _, ok := paths[path]; ok {
			return true
		}
		above := filepath.Dir(path)
		if above == path {
			return false
		}
		path = above
	}
}
