package reload

import (
	"crypto/sha256"
	"io"
	"io/fs"
	"slices"
	"syscall"
	"time"
)

// snapshot is the result of a scan.
type snapshot struct {
	files   fileTable           // by the path as the interest names it
	dirs    map[string][]place  // folders of the trees, by their real path
	located map[string]location // locations of folders; nil after the scan
	targets map[string][]target // files that single paths and links lead to, by their real path

	// ancestors are real folders in which single names matter: links on the way, single files,
	// missing files.
	ancestors map[string]map[string]bool

	unfinished []string // some of the files that copying programs are about to rename
}

// place is where a folder lies in a tree.
type place struct {
	tree  *tree
	rel   string // "." for the tree's base
	depth int

	// linked means that a link leads there, which itself counts only while there are files.
	linked bool

	// unlisted means that the content does not count: the folder is an environment, or may not be
	// listed.
	unlisted bool
}

// target is a file of the interest whose path is not that of the folder where a scan found it.
type target struct {
	path  string // as the interest names it
	class Class
}

// entry is the state of one file.
type entry struct {
	class   Class
	touched bool // another time counts as a change

	size          int64
	mtime, ctime  time.Time
	inode         uint64 // 0: unknown
	mayHideChange bool   // it changed just before the scan, so its times may hide a change

	hash   contentHash // zero: the content was not read
	target string      // target folder of a link; "" for files
	unsure bool        // it changed before the first scan
}

// contentHash is the beginning of the SHA-256 of a file.
type contentHash [16]byte

// largeFile is from which size on times, and not content, show whether a file changed.
const largeFile = 1 << 20

// racyWindow covers the grain of file times: two writes within it can leave the same time.
const racyWindow = 50 * time.Millisecond

func newSnapshot() *snapshot {
	return &snapshot{
		files:     newFileTable(0),
		dirs:      map[string][]place{},
		ancestors: map[string]map[string]bool{},
		targets:   map[string][]target{},
		located:   map[string]location{},
	}
}

// branch returns a snapshot with the same content, whose files and unfinished names change
// independently. Its maps are shared.
func (s *snapshot) branch() *snapshot {
	next := *s
	next.files, next.unfinished = s.files.branch(), slices.Clone(s.unfinished)
	return &next
}

func (s *snapshot) addAncestor(dir, name string) {
	if s.ancestors[dir] == nil {
		s.ancestors[dir] = map[string]bool{}
	}
	s.ancestors[dir][name] = true
}

// leadsTo records that the file of a path is at real.
func (s *snapshot) leadsTo(real, path string, class Class) {
	s.targets[real] = append(s.targets[real], target{path, class})
}

// verb describes the change of a file from e to now.
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
	case e.hash != contentHash{} && now.hash != contentHash{}:
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

// read hashes a file that is small enough, using room as buffer. A file that cannot be read has no
// hash, and counts as changed once it can be read.
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
	e.hash = contentHash(h.Sum(nil))
}
