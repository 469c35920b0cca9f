package reload

import (
	"crypto/sha256"
	"io"
	"io/fs"
	"syscall"
	"time"
)

// snapshot is what a scan saw.
type snapshot struct {
	files  map[string]entry           // by the path as the interest names it
	dirs   map[string][]place         // folders of the trees, by their real path
	traced map[string]spot            // where folders are; only while scanning
	pins   map[string]map[string]bool // real folders in which single names matter: links on the way, single files, what is missing

	unfinished []string // what copying programs are about to rename, some of it
}

// place is where a folder lies in a tree.
type place struct {
	tree  *tree
	rel   string // "." for the tree's base
	depth int
}

// entry is the state of one file.
type entry struct {
	class   Class
	touched bool // a newer time alone is a change

	size         int64
	mtime, ctime time.Time
	inode        uint64 // 0: unknown
	racy         bool   // it changed so shortly before it was looked at that its times may not tell the next change

	hashed bool // hash is that of the content
	hash   [16]byte
	target string // what a link to a folder leads to, with the folder's inode; "" for files
	unsure bool   // it changed while nobody looked
}

// largeFile is the size from which a file's times and not its content tell whether it changed.
const largeFile = 1 << 20

// racyWindow covers the grain of file times: two writes within it can leave the same time.
const racyWindow = 50 * time.Millisecond

func newSnapshot() *snapshot {
	return &snapshot{
		files:  map[string]entry{},
		dirs:   map[string][]place{},
		pins:   map[string]map[string]bool{},
		traced: map[string]spot{},
	}
}

func (s *snapshot) pin(dir, name string) {
	if s.pins[dir] == nil {
		s.pins[dir] = map[string]bool{}
	}
	s.pins[dir][name] = true
}

// differences are the files that are not in both snapshots or not the same in them.
func differences(before, after *snapshot) []difference {
	var found []difference
	stayed := 0
	for path, now := range after.files {
		old, ok := before.files[path]
		if ok {
			stayed++
		}
		switch {
		case !ok:
			found = append(found, difference{path, now.class, "added"})
		case !old.same(now):
			found = append(found, difference{path, max(old.class, now.class), old.verb(now)})
		}
	}
	if stayed == len(before.files) {
		return found // which is usual, and half of the work where there are many files
	}
	for path, old := range before.files {
		if _, ok := after.files[path]; !ok {
			found = append(found, difference{path, old.class, "removed"})
		}
	}
	return found
}

// verb says what happened to a file that was e and is now.
func (e entry) verb(now entry) string {
	switch {
	case now.target != "" && now.target != e.target:
		return "now leads to " + now.target
	case now.target != "":
		return "replaced"
	}
	return "changed"
}

// same reports whether now is the same file content as e was.
func (e entry) same(now entry) bool {
	switch {
	case e.unsure, e.target != now.target:
		return false
	case e.target != "":
		return e.sameInode(now)
	case e.touched && !e.mtime.Equal(now.mtime):
		return false
	case e.hashed && now.hashed:
		return e.hash == now.hash
	case e.size >= largeFile && now.size >= largeFile:
		return e.size == now.size && e.mtime.Equal(now.mtime) && e.sameInode(now)
	}
	return e.sameStat(now)
}

// sameStat reports whether nothing at all was done to the file.
func (e entry) sameStat(now entry) bool {
	return e.size == now.size && e.sameInode(now) && e.mtime.Equal(now.mtime) && e.ctime.Equal(now.ctime)
}

func (e entry) sameInode(now entry) bool {
	return e.inode == now.inode || e.inode == 0 || now.inode == 0
}

func entryOf(info fs.FileInfo, class Class, touched bool) entry {
	e := entry{class: class, touched: touched, size: info.Size(), mtime: info.ModTime()}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		e.inode = stat.Ino
		e.ctime = time.Unix(stat.Ctim.Unix())
	}
	return e
}

// read hashes a file that is small enough, in pieces that have room. A file that cannot be read is left without a hash: it counts as changed once it can.
func (e *entry) read(path string, open opener, room []byte) {
	if e.size >= largeFile {
		return
	}
	f, err := open(path)
	if err != nil {
		return
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() || !e.sameStat(entryOf(info, 0, false)) {
		return
	}
	h := sha256.New()
	if _, err := io.CopyBuffer(h, io.LimitReader(f, largeFile), room); err != nil {
		return
	}
	e.hash, e.hashed = [16]byte(h.Sum(nil)), true
}
