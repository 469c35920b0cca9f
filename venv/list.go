package venv

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/modgw/modgw/internal/account"
	"github.com/modgw/modgw/modgw"
)

// Info is what is known of one environment in the state folder.
type Info struct {
	ID       string        `json:"id"`
	App      modgw.AppName `json:"app"`
	Dir      string        `json:"dir"`
	Python   string        `json:"python"`  // "CPython 3.12.1"
	Source   string        `json:"source"`  // the input that decided
	Builder  string        `json:"builder"` // "uv 0.13.9", "pip 24.0"
	Packages int           `json:"packages"`
	Built    time.Time     `json:"built"`
}

// List returns all complete environments, by app, the newest of each first.
func (b *Builder) List() ([]Info, error) {
	markers, err := b.markers()
	var list []Info
	for _, m := range markers {
		list = append(list, Info{
			ID: m.ID, App: m.App, Dir: filepath.Join(b.envs, m.ID), Python: m.Version, Source: m.Source,
			Builder: m.Builder, Packages: len(m.Packages), Built: m.Built,
		})
	}
	return list, err
}

// newestOf is the marker of the newest environment of an app.
func (b *Builder) newestOf(app modgw.AppName) (marker, bool) {
	markers, _ := b.markers() // for a hint only
	i := slices.IndexFunc(markers, func(m marker) bool { return m.App == app })
	if i < 0 {
		return marker{}, false
	}
	return markers[i], true
}

// markers reads those of all environments, by app, the newest of each first.
func (b *Builder) markers() ([]marker, error) {
	entries, err := os.ReadDir(b.envs)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var list []marker
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !info.IsDir() {
			continue
		}
		if m, ok := readMarker(filepath.Join(b.envs, e.Name()), builderOf(info)); ok {
			list = append(list, m)
		}
	}
	slices.SortStableFunc(list, func(x, y marker) int {
		return cmp.Or(cmp.Compare(x.App, y.App), y.Built.Compare(x.Built))
	})
	return list, err
}

// builderOf is the account that a folder belongs to, with no more of its rights than that.
func builderOf(info fs.FileInfo) *account.Account {
	uid := ownerOf(info)
	if uid == os.Geteuid() || os.Geteuid() != 0 {
		return nil
	}
	return &account.Account{UID: uint32(uid), GID: uint32(uid)}
}
