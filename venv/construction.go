package venv

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/modgw/modgw/internal/account"
	"github.com/modgw/modgw/internal/files"
)

// scratchName is the folder in an environment that is home and temporary folder of its build.
const scratchName = ".modgw-build"

// construction is the building of one environment.
type construction struct {
	plan    *plan
	lock    *os.File
	environ []string
	cache   string // folder of downloads, for this user alone
	printed lines
	log     *slog.Logger // log of the app; nil until prepare
}

func (c *construction) scratch() string { return filepath.Join(c.plan.dir, scratchName) }

// prepare creates the folder of the environment and those that the build writes to, owned by the
// user who builds.
func (c *construction) prepare(b *Builder) error {
	p := c.plan
	c.printed.each, c.printed.mask = p.sayOutput, p.mask
	c.log = b.log.With("app", p.descriptor.Name)
	if err := own(p.dir, p.mode(), p.account); err != nil {
		return err
	}
	cache, err := p.cache(b)
	if err != nil {
		return err
	}
	c.cache = cache
	c.environ = []string{
		"PATH=" + filepath.Join(p.dir, "bin") + ":" + safePath, "LANG=C.UTF-8", "NO_COLOR=1",
		"HOME=" + filepath.Join(c.scratch(), "home"), "TMPDIR=" + filepath.Join(c.scratch(), "tmp"),
	}
	return p.account.Do(func() error {
		return errors.Join(
			files.MakeFolder(c.scratch(), 0o700),
			files.MakeFolder(filepath.Join(c.scratch(), "home"), 0o700), files.MakeFolder(filepath.Join(c.scratch(), "tmp"), 0o700))
	})
}

// mode is the mode of the environment's folder. Other users must not read a user's environment. A
// program of the host's own user may switch to another user, and must still find its packages.
func (p *plan) mode() os.FileMode {
	if p.account == nil {
		return 0o755
	}
	return 0o700
}

// cache returns the folder of the account's downloads. It is made if it is missing.
func (p *plan) cache(b *Builder) (string, error) {
	dir := b.cacheOf(p)
	if err := hostFolder(b.caches); err != nil {
		return "", err
	}
	return dir, own(dir, 0o700, p.account)
}

// own creates a folder in one that only this process can change, and gives it to the account.
func own(dir string, perm os.FileMode, acct *account.Account) error {
	if err := os.Mkdir(dir, perm); err != nil && !os.IsExist(err) {
		return err
	}
	if err := os.Chmod(dir, perm); err != nil || acct == nil {
		return err
	}
	return os.Lchown(dir, int(acct.UID), int(acct.GID))
}

// run runs one command line in the app's root; program is its name for people.
func (c *construction) run(ctx context.Context, program string, args ...string) error {
	return c.runIn(ctx, c.workingDir(), program, args...)
}

// runIn is run in another folder.
func (c *construction) runIn(ctx context.Context, dir, program string, args ...string) error {
	p := process{args: args, dir: dir, env: c.environ, account: c.plan.account, limits: c.plan.limits(), lock: c.lock, log: c.log}
	p.rules = c.plan.confine(args[0], c.environ, c.plan.dir, c.cache)
	if err := p.run(ctx, &c.printed); err != nil {
		return &toolError{program: program, err: err}
	}
	return nil
}

// ask runs a program for the version that it prints; "" when it prints none, which is only shown.
func (c *construction) ask(ctx context.Context, args ...string) string {
	p := process{args: args, dir: "/", env: c.environ, account: c.plan.account}
	p.rules = c.plan.confine(args[0], c.environ, c.plan.dir, c.cache)
	out, err := p.output(ctx)
	if err != nil {
		return ""
	}
	return strings.TrimPrefix(strings.TrimSpace(out), "v")
}

// workingDir is the app's root, for paths in requirements are relative to it.
func (c *construction) workingDir() string {
	root := c.plan.descriptor.Root
	err := c.plan.account.Do(func() error {
		info, err := os.Stat(root + "/.")
		if err == nil && !info.IsDir() {
			return syscall.ENOTDIR
		}
		return err
	})
	if root == "" || err != nil {
		return "/"
	}
	return root
}

// finish cleans up, makes everything durable, and only then writes the marker that makes it an
// environment.
func (c *construction) finish(started time.Time) (marker, error) {
	p := c.plan
	m := marker{
		ID: p.hash, App: p.descriptor.Name,
		Built: time.Now().UTC().Truncate(time.Second), Took: time.Since(started).Round(time.Millisecond).String(),
	}
	err := p.account.Do(func() (err error) {
		if err = os.RemoveAll(c.scratch()); err != nil {
			return err
		}
		if err = p.recipe.describe(p.dir, &m); err != nil {
			return err
		}
		if err = syncFilesystem(p.dir); err != nil {
			return err
		}
		return m.write(p.dir)
	})
	return m, err
}

// syncFilesystem writes out all pending data, because fsync of the marker does not cover the
// thousands of files that it vouches for.
func syncFilesystem(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(unix.Syncfs(int(d.Fd())), d.Close())
}

func pythonIn(dir string) string { return filepath.Join(dir, "bin", "python") }

func ownerOf(info os.FileInfo) int { return int(info.Sys().(*syscall.Stat_t).Uid) }
