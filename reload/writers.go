package reload

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// writerLimit is for how many changed files it is checked whether they are open for writing.
const writerLimit = 10000

// openForWriting returns the changed files that a process has open for writing, in any container.
// The kernel shows it by refusing a lease (fcntl(2)), which only the file's owner and a privileged
// host may ask for: of other files it is unknown.
func openForWriting(found []difference, read opener) []obstacle {
	var open []obstacle
	for _, d := range found[:min(len(found), writerLimit)] {
		if d.verb != "removed" && hasWriter(d.path, read) {
			open = append(open, obstacle{d.path, d.path + " is open for writing"})
		}
	}
	return open
}

func hasWriter(path string, open opener) bool {
	f, err := open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return false
	}
	if _, err = unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_RDLCK); err == nil {
		_, err = unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_UNLCK)
	}
	return errors.Is(err, unix.EAGAIN)
}

// leftovers returns the paths that are so new that a program is probably still writing them.
func leftovers(paths []string) []obstacle {
	var found []obstacle
	for _, path := range paths {
		info, err := os.Lstat(path)
		if err != nil {
			continue
		}
		if age := time.Since(entryOf(info, 0, false).ctime); age < abandonedAge {
			found = append(found, obstacle{path, path + " is there"})
		}
	}
	return found
}

// unfinishedLimit is the number of names of half-written files that a scan remembers.
const unfinishedLimit = 32

// unfinished reports whether a name in a tree belongs to a file or folder that a copying program
// will rename: rsync's .views.py.Xy12ab and .~tmp~, pip's ~ackage, dpkg's views.py.dpkg-new, and
// views.py.tmp.
func (t *tree) unfinished(rel string, isDir bool) bool {
	dir, name := splitPath(rel)
	if isDir {
		return name == ".~tmp~" || len(name) > 1 && name[0] == '~' && !t.ignores(rel)
	}
	return slices.ContainsFunc(finalNames(name), func(final string) bool { return t.class(filepath.Join(dir, final)) != Nothing })
}

// finalNames returns the names that a file with a temporary name can get.
func finalNames(name string) []string {
	var names []string
	for _, suffix := range []string{".tmp", ".dpkg-new", ".dpkg-tmp", ".part", ".filepart"} {
		if final, ok := strings.CutSuffix(name, suffix); ok {
			names = append(names, final)
		}
	}
	// rsync: a dot, the name, a dot and six letters or digits.
	if i := len(name) - 7; i > 1 && name[0] == '.' && name[i] == '.' && isAlphanumeric(name[i+1:]) {
		names = append(names, name[1:i])
	}
	return names
}

func isAlphanumeric(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
}
