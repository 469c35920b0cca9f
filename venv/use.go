package venv

import (
	"os"
	"strings"
	"time"

	"github.com/modgw/modgw/modgw"
)

// An empty file next to an environment, with this ending and named for an app, has the time when
// the app last asked for the environment. Its folder belongs to the host, so that no app can
// pretend to be another.
const useSuffix = ".used"

// known returns the marker of the environment if it exists, and marks it as used so that it is not
// removed. It does not wait for builds.
func (b *Builder) known(p *plan) (marker, bool) {
	lock, ok := share(p.lockPath())
	if !ok {
		return marker{}, false
	}
	defer release(lock)
	m, ok := p.complete()
	if ok {
		b.noteUse(p)
	}
	return m, ok
}

// noteUse records that the app uses the environment. A failure only makes a worse choice of
// environments to collect.
func (b *Builder) noteUse(p *plan) {
	path := p.dir + "." + string(p.descriptor.Name) + useSuffix
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o644)
	if err == nil {
		_ = f.Chmod(0o644) // regardless of the umask; the file belongs to this process's user
		f.Close()
		now := time.Now()
		err = os.Chtimes(path, now, now)
	}
	if err != nil {
		b.log.Debug("use of an environment not noted", "app", p.descriptor.Name, "environment", p.id(), "error", err)
	}
}

// uses returns the time when each app last asked for each environment, by the environment's hash.
func uses(entries []os.DirEntry) map[string]map[modgw.AppName]time.Time {
	all := map[string]map[modgw.AppName]time.Time{}
	for _, e := range entries {
		base, ok := strings.CutSuffix(e.Name(), useSuffix)
		hash, app, found := strings.Cut(base, ".")
		info, err := e.Info()
		if !ok || !found || err != nil {
			continue
		}
		if all[hash] == nil {
			all[hash] = map[modgw.AppName]time.Time{}
		}
		all[hash][modgw.AppName(app)] = info.ModTime()
	}
	return all
}
