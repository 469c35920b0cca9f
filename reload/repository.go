package reload

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// repositoryLocks returns the locks that git and Mercurial hold while they change files in the
// folders, each of which may be anywhere in a repository.
func repositoryLocks(dirs []string, open opener) []obstacle {
	var found []obstacle
	seen := map[string]bool{} // folders that were visited on the way up from another
	for _, dir := range dirs {
		for ; !seen[dir]; dir = filepath.Dir(dir) {
			seen[dir] = true
			lock, ok := repositoryLock(dir, open)
			if !ok {
				continue
			}
			info, err := os.Lstat(lock)
			if err == nil && time.Since(info.ModTime()) < abandonedAge {
				found = append(found, obstacle{lock + info.ModTime().String(), lock + " is held"})
			}
			break
		}
	}
	return found
}

// repositoryLock returns the lock of the repository whose working tree has its top at dir.
func repositoryLock(dir string, open opener) (path string, ok bool) {
	git := filepath.Join(dir, ".git")
	if info, err := os.Stat(git); err == nil {
		if !info.IsDir() {
			git = gitDir(git, open)
		}
		return filepath.Join(git, "index.lock"), true
	}
	hg := filepath.Join(dir, ".hg")
	if _, err := os.Lstat(hg); err == nil {
		return filepath.Join(hg, "wlock"), true
	}
	return "", false
}

// gitDir returns the folder that the .git file of a worktree or submodule names; "" when it names
// none.
func gitDir(file string, open opener) string {
	f, err := open(file)
	if err != nil {
		return ""
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return ""
	}
	text, err := io.ReadAll(io.LimitReader(f, 4096))
	if err != nil {
		return ""
	}
	dir, ok := strings.CutPrefix(strings.TrimSpace(string(text)), "gitdir: ")
	switch {
	case !ok:
		return ""
	case filepath.IsAbs(dir):
		return dir
	}
	return filepath.Join(filepath.Dir(file), dir)
}
