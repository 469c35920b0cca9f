package reload

import (
	"os"
	"path/filepath"
	"time"
)

// barrierLimit is how old git's lock may be: one that is older was left behind.
const barrierLimit = time.Minute

// beingWritten reports whether git is changing the files below dir: what is there now is neither the old nor the new.
func beingWritten(dir string, now time.Time) bool {
	if dir == "" {
		return false
	}
	for ; ; dir = filepath.Dir(dir) {
		repository := filepath.Join(dir, ".git")
		if _, err := os.Lstat(repository); err == nil {
			lock, err := os.Lstat(filepath.Join(repository, "index.lock"))
			return err == nil && now.Sub(lock.ModTime()) < barrierLimit
		}
		if dir == filepath.Dir(dir) {
			return false
		}
	}
}
