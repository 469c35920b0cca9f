package reload

import (
	"os"
	"time"

	"github.com/modgw/modgw/modgw"
)

// holdbackLimit is the longest time for which a change is held back because files seem to be half
// written.
const holdbackLimit = 30 * time.Second

// abandonedAge is from which age on a writer's temporary file counts as left behind.
const abandonedAge = time.Minute

// bulkChange is from how many changed files on a change that goes on is a copy, rather than
// frequent saving.
const bulkChange = 10

// holdback holds a change back while files are being written. The zero value holds nothing.
type holdback struct {
	since   time.Time       // when it began to hold a change back; zero: it does not
	retryAt time.Time       // when to check again; zero: it holds nothing back
	clear   bool            // the last check found no obstacle
	ignored map[string]bool // keys of obstacles that outlasted holdbackLimit and remain
}

// obstacle is a sign that files are being written.
type obstacle struct {
	key string // identifies it; "": it is always a new one
	why string // "FILE is held", for people
}

// check sets retryAt while there are obstacles, except those that it has already waited for in
// vain, and when it is the first that finds none: files may have changed after the scan before it.
// After holdbackLimit it returns a fault.
func (h *holdback) check(now time.Time, pause time.Duration, find func() []obstacle) *modgw.Fault {
	found := find()
	passed := map[string]bool{}
	var first *obstacle
	for _, o := range found {
		if h.ignored[o.key] {
			passed[o.key] = true
		} else if first == nil {
			first = &o
		}
	}
	h.ignored = passed
	tooEarly := !h.since.IsZero() && !h.clear && now.Sub(h.since) < holdbackLimit
	h.clear = first == nil
	if h.clear {
		if tooEarly {
			h.retryAt = now.Add(pause)
		} else {
			h.since, h.retryAt = time.Time{}, time.Time{}
		}
		return nil
	}
	if h.since.IsZero() {
		h.since = now
	}
	held := now.Sub(h.since)
	if held < holdbackLimit {
		h.retryAt = now.Add(min(max(held/4, pause), time.Second))
		return nil
	}
	for _, o := range found {
		h.ignored[o.key] = o.key != ""
	}
	h.since, h.retryAt = time.Time{}, time.Time{}
	return heldTooLong(*first)
}

// obstacles returns the signs that changed files are half written.
func (a *app) obstacles(found []difference, quiet bool) []obstacle {
	if len(found) == 0 {
		return nil
	}
	var all []obstacle
	if !quiet && len(found) >= bulkChange {
		all = append(all, obstacle{"", "files go on changing"})
	}
	look := func() error {
		all = append(all, repositoryLocks(a.changedFolders(found), a.interest.opener())...)
		all = append(all, leftovers(a.last.unfinished)...)
		all = append(all, openForWriting(found, a.interest.opener())...)
		return nil
	}
	if err := a.interest.Account.Do(look); err != nil {
		a.warn("could not see whether files are being written", err)
	}
	return append(all, installers(a.realRoot(), os.Getpid())...)
}

// changedFolders returns the root and the folders of changed files.
func (a *app) changedFolders(found []difference) []string {
	seen := map[string]bool{}
	var dirs []string
	add := func(dir string) {
		if dir != "" && !seen[dir] {
			seen[dir] = true
			dirs = append(dirs, dir)
		}
	}
	add(a.interest.Root)
	add(a.realRoot())
	for _, d := range found {
		dir, _ := splitPath(d.path)
		add(dir)
	}
	return dirs
}

// realRoot is the folder that the root leads to; "" while there is none.
func (a *app) realRoot() string {
	root, _ := a.last.files.get(a.interest.Root)
	return root.target
}
