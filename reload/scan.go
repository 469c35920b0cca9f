package reload

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// folderLimit is the number of folders of one app that are watched. Further ones are logged and
// skipped.
const folderLimit = 20000

// aliasLimit is under how many names a folder is walked when links lead to it. It bounds links
// that multiply.
const aliasLimit = 4

// scanMode is the extent of a scan.
type scanMode uint8

const (
	scanAll     scanMode = iota // it reads everything and follows links
	scanNamed                   // it reads the paths named by events and only counts links
	scanFolders                 // it reads no content
)

// scanner scans everything that an interest names.
type scanner struct {
	rules       *rules
	root        string // root of the interest; "": it has none
	mode        scanMode
	inodes      bool      // compare inodes, which some network file systems change each time
	previous    *snapshot // result of an earlier scan; nil: there is none
	disk        disk
	watchFolder func(string) error // called before a folder is listed; nil: not called
	now         time.Time

	out      *snapshot
	base     string          // real path of the current tree
	names    map[string]int  // how often a folder of the current tree was walked, by real path
	open     map[string]bool // folders that are being walked, by real path; breaks circles of links
	outside  outsideWalk
	room     []byte // buffer for reading files
	full     bool   // folderLimit was reached
	linksMet int    // how many links the trees have

	following  int   // how many links lead to the present folder
	incomplete bool  // a folder was not listed for a reason whose end sends no event
	err        error // the first of watchFolder, or that of the context
}

// scan returns the state of all files: first those of the trees, then single files, then the
// targets of links outside their tree. Its only side effects are those of watchFolder. When ctx is
// done it ends early, with err set.
func (s *scanner) scan(ctx context.Context) *snapshot {
	s.out, s.outside, s.incomplete = newSnapshot(), outsideWalk{}, false
	if s.previous != nil {
		s.out.files = newFileTable(s.previous.files.len())
	}
	s.now = time.Now()
	for _, t := range s.rules.trees {
		s.names, s.open = map[string]int{}, map[string]bool{}
		real, info := s.out.trace(t.base)
		if info == nil || !info.IsDir() {
			continue
		}
		if t.base == s.root {
			s.link(t.base, real, info)
		}
		s.base = real
		s.walk(ctx, t, real, ".", 0)
	}
	for path, class := range s.rules.files {
		real, info := s.out.trace(path)
		if info != nil && info.Mode().IsRegular() {
			s.out.leadsTo(real, path, class)
			s.add(path, real, info, class)
		}
	}
	s.walkOutside(ctx)
	s.out.located = nil
	if err := context.Cause(ctx); err != nil {
		s.err = err
	}
	return s.out
}

// walk scans the folder real, which the tree calls rel.
func (s *scanner) walk(ctx context.Context, t *tree, real, rel string, depth int) {
	if s.names[real]++; s.open[real] || s.names[real] > aliasLimit || s.outside.full() || ctx.Err() != nil {
		return
	}
	s.open[real] = true
	defer delete(s.open, real)
	if len(s.out.dirs) >= folderLimit {
		s.full = true
		return
	}
	if s.outside.walking != nil {
		s.outside.folders++
	}
	here := place{tree: t, rel: rel, depth: depth}
	here.linked = s.following > 0 || s.outside.walking != nil
	s.watch(real)
	names, err := s.list(real)
	here.unlisted = err != nil || depth > 0 && isEnvironment(names)
	s.out.dirs[real] = append(s.out.dirs[real], here)
	if err != nil && !errors.Is(err, fs.ErrPermission) && !errors.Is(err, fs.ErrNotExist) {
		s.incomplete = true
	}
	if here.unlisted {
		return
	}
	for _, name := range names {
		s.visit(ctx, t, joined(real, name.Name()), joined(rel, name.Name()), depth, name.Type())
	}
}

// list returns the content of a folder, sorted by name.
func (s *scanner) list(dir string) ([]fs.DirEntry, error) {
	f, err := s.disk.open(dir)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	names, err := f.ReadDir(-1)
	slices.SortFunc(names, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return names, err
}

// joined is [filepath.Join] without cleaning, for the many paths of a scan.
func joined(dir, name string) string {
	switch dir {
	case ".":
		return name
	case "/":
		return "/" + name
	}
	return dir + "/" + name
}

func (s *scanner) visit(ctx context.Context, t *tree, real, rel string, depth int, kind fs.FileMode) {
	if len(s.out.unfinished) < unfinishedLimit && t.unfinished(rel, kind.IsDir()) {
		s.out.unfinished = append(s.out.unfinished, real)
	}
	switch {
	case kind.IsDir():
		if t.descends(rel, depth+1) && !isKernelPath(real) {
			s.walk(ctx, t, real, rel, depth+1)
		}
	case kind&fs.ModeSymlink != 0:
		s.follow(ctx, t, real, rel, depth)
	case kind.IsRegular():
		class := t.class(rel)
		if class == Nothing {
			return
		}
		if info, err := s.disk.lstat(real); err == nil {
			s.add(filepath.Join(t.base, rel), real, info, class)
		}
	}
}

// link records where path leads. Another folder is a change even with the same content, because
// workers would keep running in the old one.
func (s *scanner) link(path, real string, info fs.FileInfo) {
	e := s.entry(info, Code, false)
	e.target = real
	s.out.files.set(path, e)
}

func (s *scanner) entry(info fs.FileInfo, class Class, touched bool) entry {
	e := entryOf(info, class, touched)
	if !s.inodes {
		e.inode = 0
	}
	return e
}

func (s *scanner) add(path, real string, info fs.FileInfo, class Class) {
	if s.outside.full() {
		return
	}
	if s.outside.walking != nil {
		s.outside.files++
	}
	e := s.entry(info, class, s.rules.touched[path])
	if age := s.now.Sub(e.ctime); age < racyWindow && age > -racyWindow {
		e.mayHideChange = true
	}
	if seen, ok := s.out.files.get(path); ok {
		e.class = max(e.class, seen.class)
	}
	if s.mode != scanFolders {
		if old, ok := s.previousEntry(path); ok && old.hash != (contentHash{}) && !old.mayHideChange && old.sameStat(e) {
			e.hash = old.hash
		} else {
			if s.room == nil {
				s.room = make([]byte, 32<<10)
			}
			e.read(real, s.disk.open, s.room)
		}
	}
	s.out.files.set(path, e)
}

func (s *scanner) previousEntry(path string) (entry, bool) {
	if s.previous == nil {
		return entry{}, false
	}
	return s.previous.files.get(path)
}

func (s *scanner) watch(dir string) {
	if s.watchFolder == nil {
		return
	}
	if err := s.watchFolder(dir); err != nil && s.err == nil {
		s.err = fmt.Errorf("cannot watch %q: %w", dir, err)
	}
}

// isEnvironment reports whether a folder with these names is a Python virtual environment.
func isEnvironment(names []os.DirEntry) bool {
	return slices.ContainsFunc(names, func(e os.DirEntry) bool { return e.Name() == "pyvenv.cfg" })
}
