package venv

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/modgw/modgw/modgw"
)

// Collection selects the environments that [Builder.Collect] keeps.
type Collection struct {
	Keep   []string // environments that are in use, by their ID or by an app's fingerprint
	Newest int      // environments of each app that are always kept, newest first; 0: none
	DryRun bool     // only list the environments to remove
}

// Removal is something that Collect removed.
type Removal struct {
	ID   string          `json:"id"`   // ID of the environment
	What string          `json:"what"` // "environment", "unfinished build" or "leftover file"
	Apps []modgw.AppName `json:"apps"` // apps that used it
	Size int64           `json:"size"` // bytes on the disk
}

// recently is how long an environment is kept after an app asked for it, because the app may not
// run yet.
const recently = 10 * time.Minute

// Collect removes unused environments, remains of killed builds, and their files. It is safe during
// builds: environments that they work on or have just asked for are kept. After an error it returns
// the removals so far.
func (b *Builder) Collect(ctx context.Context, c Collection) ([]Removal, error) {
	all, err := b.look()
	if err != nil {
		return nil, err
	}
	kept := c.kept(all)
	removed := []Removal{}
	for _, e := range all {
		if ctx.Err() != nil {
			return removed, context.Cause(ctx)
		}
		if kept[e.name] {
			continue
		}
		r, ok, err := b.collect(e, c.DryRun)
		if err != nil {
			return removed, err
		}
		if ok {
			removed = append(removed, r)
		}
	}
	leftovers, err := b.collectLeftovers(c.DryRun)
	return append(removed, leftovers...), err
}

// kept are the names of the environments that stay.
func (c Collection) kept(all []entry) map[string]bool {
	kept := map[string]bool{}
	for _, id := range c.Keep {
		id, _, _ = strings.Cut(id, "+")
		kept[id[strings.LastIndexByte(id, '-')+1:]] = true
	}
	ofApp := map[modgw.AppName][]entry{}
	for _, e := range all {
		for app := range e.uses {
			if e.complete {
				ofApp[app] = append(ofApp[app], e)
			}
		}
		if e.complete && time.Since(e.used()) < recently {
			kept[e.name] = true
		}
	}
	for app, list := range ofApp {
		slices.SortFunc(list, func(x, y entry) int { return y.uses[app].Compare(x.uses[app]) })
		for _, e := range list[:min(max(c.Newest, 0), len(list))] {
			kept[e.name] = true
		}
	}
	return kept
}

// collect removes one environment, or the remains of a killed build; false if it is in use.
func (b *Builder) collect(e entry, dryRun bool) (Removal, bool, error) {
	dir := filepath.Join(b.envs, e.name)
	lock, err := tryLock(dir+".lock", unix.LOCK_EX, os.O_CREATE)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return Removal{}, false, nil
	}
	if err != nil {
		return Removal{}, false, err
	}
	defer release(lock)
	now, ok := b.lookAgain(e)
	if !ok {
		return Removal{}, false, nil
	}
	r := Removal{ID: e.name, What: "environment", Apps: now.apps(), Size: sizeOf(dir, e.owner)}
	if !now.complete {
		r.What = "unfinished build"
	}
	if dryRun {
		return r, true, nil
	}
	// Remove the marker first, so that the remains of an interrupted removal are not an
	// environment.
	_ = e.owner.Do(func() error { return os.Remove(filepath.Join(dir, markerName)) })
	if err := removeFolder(dir, e.owner); err != nil {
		return r, false, err
	}
	for app := range now.uses {
		_ = os.Remove(dir + "." + string(app) + useSuffix)
	}
	return r, true, os.Remove(dir + ".lock")
}

// lookAgain is the entry as it is now that it is locked; false when it was used, built or removed
// meanwhile.
func (b *Builder) lookAgain(e entry) (entry, bool) {
	files, err := os.ReadDir(b.envs)
	i := slices.IndexFunc(files, func(f os.DirEntry) bool { return f.Name() == e.name })
	if err != nil || i < 0 {
		return entry{}, false
	}
	now, ok := b.entry(files[i], uses(files))
	if !ok {
		return entry{}, false
	}
	return now, now.complete == e.complete && now.used().Equal(e.used())
}

// collectLeftovers removes the locks and other files without an environment, unless one
// is about to be built.
func (b *Builder) collectLeftovers(dryRun bool) ([]Removal, error) {
	files, err := os.ReadDir(b.envs)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	var removed []Removal
	for _, f := range files {
		hash, _, ok := strings.Cut(f.Name(), ".")
		if _, err := os.Lstat(filepath.Join(b.envs, hash)); f.IsDir() || !ok || err == nil {
			continue
		}
		path := filepath.Join(b.envs, f.Name())
		lock, err := tryLock(path, unix.LOCK_EX, 0)
		if err != nil {
			continue
		}
		if !dryRun {
			err = os.Remove(path)
		}
		release(lock)
		if err != nil {
			return removed, err
		}
		removed = append(removed, Removal{ID: f.Name(), What: "leftover file", Apps: []modgw.AppName{}})
	}
	return removed, err
}
