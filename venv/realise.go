package venv

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/modgw/modgw/internal/account"
	"github.com/modgw/modgw/internal/files"
	"github.com/modgw/modgw/modgw"
)

// realise returns the environment of the plan: at once when it is there, else after building it, or
// after waiting for a build of it.
func (b *Builder) realise(ctx context.Context, p *plan) (*modgw.Environment, error) {
	if m, ok := b.known(p); ok {
		b.measureOnce(p)
		return p.environment(m, 0), nil
	}
	if err := b.prepareFolders(p); err != nil {
		return nil, err
	}
	lock, err := acquire(ctx, p.lockPath(), func() { p.say("waiting for another build of %s", p.id()) })
	if err != nil {
		return nil, p.cannotWrite(err)
	}
	defer release(lock)
	if m, ok := p.complete(); ok {
		b.noteUse(p)
		return p.environment(m, 0), nil
	}
	ctx, end, err := b.takeTurn(ctx, p)
	if err != nil {
		return nil, err
	}
	defer end()
	started := time.Now()
	var m marker
	err = b.withinQuota(ctx, p, func(ctx context.Context) error {
		m, err = b.construct(ctx, p, lock)
		return err
	})
	if err != nil {
		b.clear(p)
		return nil, err
	}
	b.noteUse(p)
	took := time.Since(started)
	b.log.Info("environment built", "app", p.descriptor.Name, "environment", p.id(), "version", m.Version,
		"source", m.Source, "builder", m.Builder, "packages", len(m.Packages), "took", took.Round(time.Millisecond))
	return p.environment(m, took), nil
}

// clear removes the remains of a failed build, while its lock is held.
func (b *Builder) clear(p *plan) {
	err := removeFolder(p.dir, p.account)
	if err == nil {
		err = os.Remove(p.lockPath())
	}
	if err != nil {
		// It has no marker, so that it is no environment and goes before the next build.
		b.log.Warn("half-built environment kept", "app", p.descriptor.Name, "dir", p.dir, "error", err)
	}
}

// prepareFolders makes the folders above the environment, which only this process's user may
// change.
func (b *Builder) prepareFolders(p *plan) error {
	for _, dir := range []string{b.envs, b.caches} {
		err := hostFolder(dir)
		if err == nil {
			err = p.account.Do(func() error { _, err := os.Stat(dir + "/."); return err })
		}
		if err != nil {
			return p.cannotWrite(err)
		}
	}
	return nil
}

// hostFolder makes a folder that only this process's user may change.
func hostFolder(dir string) error {
	if err := files.MakeFolder(dir, 0o755); err != nil {
		return err
	}
	return ownFolder(dir)
}

// ownFolder refuses a folder in which another user could replace an environment.
func ownFolder(dir string) error {
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	switch {
	case !info.IsDir():
		return fmt.Errorf("%q is not a folder", dir)
	case ownerOf(info) != os.Geteuid():
		return fmt.Errorf("%q belongs to user %d", dir, ownerOf(info))
	case info.Mode().Perm()&0o022 != 0:
		return fmt.Errorf("%q can be changed by others (mode %04o)", dir, info.Mode().Perm())
	}
	return nil
}

// construct builds the environment in its place and marks it as complete.
func (b *Builder) construct(ctx context.Context, p *plan, lock *os.File) (marker, error) {
	started := time.Now()
	if err := removeFolder(p.dir, p.account); err != nil {
		return marker{}, p.cannotWrite(err)
	}
	c := &construction{plan: p, lock: lock}
	if err := c.prepare(b); err != nil {
		return marker{}, p.cannotWrite(err)
	}
	if err := p.recipe.build(ctx, b, c); err != nil {
		return marker{}, err
	}
	if err := b.unchanged(ctx, p); err != nil {
		return marker{}, err
	}
	m, err := c.finish(started)
	if err != nil {
		return m, p.cannotWrite(err)
	}
	return m, nil
}

// unchanged looks at the inputs again: the installer read them after they were hashed, and the name
// must not lie about the content.
func (b *Builder) unchanged(ctx context.Context, p *plan) error {
	again, err := b.plan(ctx, p.descriptor, func(Step) {})
	if err == nil && again.hash != p.hash {
		return errInputsChanged
	}
	return err
}

// stopped is the error of a build that was given up or took too long.
func stopped(app modgw.AppName, cause error) error {
	if cause != errBuildTimeout {
		return fmt.Errorf("cannot build the environment of app %q: %w", app, cause)
	}
	return &modgw.Fault{
		Code:    "MGW-ENV-015",
		Summary: fmt.Sprintf("cannot build the environment of app %q: it took too long and was stopped", app),
		Hint:    "look whether the package index answers, then reload",
	}
}

func (p *plan) cannotWrite(err error) error {
	if isDiskFull(err) {
		return p.diskFull(err, "")
	}
	return &modgw.Fault{
		Code:    "MGW-ENV-016",
		Summary: fmt.Sprintf("cannot keep the environment of app %q in %q", p.descriptor.Name, p.dir),
		Err:     err,
		Hint: "the state folder must belong to the host's user, not be writable for others, " +
			"and the app's user must be able to enter it (mode 0755)",
	}
}

// removeFolder removes the remains of an earlier build, with the rights of the user who built it:
// root follows no path below a folder that the app can change.
func removeFolder(dir string, acct *account.Account) error {
	if _, err := os.Lstat(dir); err != nil {
		return ignoreMissing(err)
	}
	if acct != nil {
		// The folder itself is the host's and stays.
		_ = acct.Do(func() error { return os.RemoveAll(dir) })
		return ignoreMissing(os.Remove(dir))
	}
	return os.RemoveAll(dir)
}

func ignoreMissing(err error) error {
	if os.IsNotExist(err) {
		return nil
	}
	return err
}
