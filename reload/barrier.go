package reload

import (
	"os"
	"time"

	"github.com/modgw/modgw/modgw"
)

// barrierLimit is the longest that a change is held back because files seem to be half written.
const barrierLimit = 30 * time.Second

// abandoned is how old what a writer leaves only while it works may be: older ones were left behind.
const abandoned = time.Minute

// bulk is from how many changed files on a change without rest is a copy under way, and not somebody who saves often.
const bulk = 10

// barrier holds a change back while somebody is still writing it. The zero value holds nothing.
type barrier struct {
	since  time.Time       // when it began to hold; zero while it does not
	again  time.Time       // when to look again; zero while it does not hold
	passed map[string]bool // obstacles that were waited for in vain and are still there
}

// obstacle is a sign that files are being written.
type obstacle struct {
	key string // the same for the same one; "": it is another one every time
	why string // "git holds …"
}

// judge sets again when there are obstacles; obstacles that were waited for in vain before do not count. The fault is for
// those that were now.
func (b *barrier) judge(now time.Time, pause time.Duration, find func() []obstacle) *modgw.Fault {
	found := find()
	passed := map[string]bool{}
	var first *obstacle
	for _, o := range found {
		if b.passed[o.key] {
			passed[o.key] = true
		} else if first == nil {
			first = &o
		}
	}
	b.passed = passed
	if first == nil {
		b.since, b.again = time.Time{}, time.Time{}
		return nil
	}
	if b.since.IsZero() {
		b.since = now
	}
	held := now.Sub(b.since)
	if held < barrierLimit {
		b.again = now.Add(min(max(held/4, pause), time.Second))
		return nil
	}
	for _, o := range found {
		b.passed[o.key] = o.key != ""
	}
	b.since, b.again = time.Time{}, time.Time{}
	return heldTooLong(*first)
}

// obstacles are the signs that what changed is half written.
func (a *app) obstacles(found []difference, quiet bool) []obstacle {
	if len(found) == 0 {
		return nil
	}
	var all []obstacle
	if !quiet && len(found) >= bulk {
		all = append(all, obstacle{"", "files go on changing"})
	}
	look := func() error {
		all = append(all, repositoryLocks(a.changedFolders(found), a.now.opener())...)
		all = append(all, leftovers(a.last.unfinished)...)
		all = append(all, openForWriting(found, a.now.opener())...)
		return nil
	}
	if err := a.now.Account.Do(look); err != nil {
		a.warn("could not see whether files are being written", err)
	}
	return append(all, installers(a.realRoot(), os.Getpid())...)
}

// changedFolders are the root and the folders of what changed.
func (a *app) changedFolders(found []difference) []string {
	seen := map[string]bool{}
	var dirs []string
	add := func(dir string) {
		if dir != "" && !seen[dir] {
			seen[dir] = true
			dirs = append(dirs, dir)
		}
	}
	add(a.now.Root)
	add(a.realRoot())
	for _, d := range found {
		dir, _ := splitPath(d.path)
		add(dir)
	}
	return dirs
}

// realRoot is what the root leads to; "" while there is none.
func (a *app) realRoot() string {
	root, _ := a.last.files.get(a.now.Root)
	return root.target
}
