package venv

import (
	"cmp"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/modgw/modgw/internal/account"
	"github.com/modgw/modgw/modgw"
)

// Info describes one environment in the state folder.
type Info struct {
	ID        string          `json:"id"`        // hash of its inputs, after the app's name if any
	Apps      []modgw.AppName `json:"apps"`      // apps that asked for it so far
	Dir       string          `json:"dir"`       // absolute path
	Python    string          `json:"python"`    // "CPython 3.12.1", or the tool of other kinds
	Source    string          `json:"source"`    // the input that decided
	Builder   string          `json:"builder"`   // "uv 0.13.9", "pip 24.0"
	Packages  int             `json:"packages"`  // how many are installed
	Installed []modgw.Package `json:"installed"` // packages in it
	Built     time.Time       `json:"built"`     // time of the build
	Used      time.Time       `json:"used"`      // when an app last asked for it
	Size      int64           `json:"size"`      // bytes on the disk
}

// List returns all complete environments, by app, the newest of each first.
func (b *Builder) List() ([]Info, error) {
	entries, err := b.look()
	var list []Info
	for _, e := range entries {
		if !e.complete {
			continue
		}
		list = append(list, Info{
			ID: e.name, Apps: e.apps(), Dir: filepath.Join(b.envs, e.name), Python: e.marker.Version, Source: e.marker.Source,
			Builder: e.marker.Builder, Packages: len(e.marker.Packages), Installed: append([]modgw.Package{}, e.marker.Packages...), Built: e.marker.Built, Used: e.used(),
			Size: sizeOf(filepath.Join(b.envs, e.name), e.owner),
		})
	}
	return list, err
}

// entry is one folder among the environments.
type entry struct {
	name     string
	complete bool
	marker   marker // when complete
	owner    *account.Account
	uses     map[modgw.AppName]time.Time // when each app last asked for it
}

func (e entry) apps() []modgw.AppName { return slices.Sorted(maps.Keys(e.uses)) }

// used is when any app last asked for it; when it was built if none was noted.
func (e entry) used() time.Time {
	last := e.marker.Built
	for _, at := range e.uses {
		if at.After(last) {
			last = at
		}
	}
	return last
}

// look lists the environments, by app, the newest of each first.
func (b *Builder) look() ([]entry, error) {
	files, err := os.ReadDir(b.envs)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	known := uses(files)
	var list []entry
	for _, f := range files {
		if e, ok := b.entry(f, known); ok {
			list = append(list, e)
		}
	}
	slices.SortStableFunc(list, func(x, y entry) int {
		return cmp.Or(slices.Compare(x.apps(), y.apps()), y.marker.Built.Compare(x.marker.Built))
	})
	return list, err
}

// entry reads one folder; false when it is none.
func (b *Builder) entry(f fs.DirEntry, known map[string]map[modgw.AppName]time.Time) (entry, bool) {
	info, err := f.Info()
	if err != nil || !info.IsDir() {
		return entry{}, false
	}
	e := entry{name: f.Name(), owner: builderOf(info), uses: known[f.Name()]}
	e.marker, e.complete = readMarker(filepath.Join(b.envs, e.name), e.owner)
	if len(e.uses) == 0 && e.complete {
		e.uses = map[modgw.AppName]time.Time{e.marker.App: e.marker.Built}
	}
	return e, true
}

// newestOf is the marker of the newest environment of an app.
func (b *Builder) newestOf(app modgw.AppName) (newest marker, ok bool) {
	all, _ := b.look() // for a hint only
	for _, e := range all {
		if _, uses := e.uses[app]; uses && e.complete && e.marker.Built.After(newest.Built) {
			newest, ok = e.marker, true
		}
	}
	return newest, ok
}

// builderOf is the account that a folder belongs to, with no more of its rights than that.
func builderOf(info fs.FileInfo) *account.Account {
	uid := ownerOf(info)
	if uid == os.Geteuid() || os.Geteuid() != 0 {
		return nil
	}
	return &account.Account{UID: uint32(uid), GID: uint32(uid)}
}

// sizeOf returns the bytes that a folder takes on the disk. It skips files that it cannot read.
func sizeOf(dir string, owner *account.Account) (size int64) {
	_ = owner.Do(func() error {
		return filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
			if err != nil {
				return nil
			}
			if info, err := e.Info(); err == nil {
				size += info.Sys().(*syscall.Stat_t).Blocks * 512
			}
			return nil
		})
	})
	return size
}
