package venv

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/modgw/modgw/internal/account"
	"github.com/modgw/modgw/modgw"
)

// watchInterval is the shortest interval between measurements of the disk during a build.
const watchInterval = 2 * time.Second

// withinQuota runs a build of a user who has a quota. It is refused if nothing is left, and stopped
// if it exceeds the rest; its result is then removed.
func (b *Builder) withinQuota(ctx context.Context, p *plan, build func(context.Context) error) error {
	if p.descriptor.DiskQuota <= 0 {
		return build(ctx)
	}
	if err := b.checkQuota(p); err != nil {
		return err
	}
	ctx, stop := context.WithCancelCause(ctx)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		b.watchQuota(ctx, p, stop)
	}()
	err := build(ctx)
	if cause := context.Cause(ctx); err != nil && errors.As(cause, new(*modgw.Fault)) {
		err = cause
	}
	stop(nil)
	<-watched
	if err == nil {
		err = b.checkQuota(p)
	}
	return err
}

// watchQuota calls stop as soon as the user has used up the quota.
func (b *Builder) watchQuota(ctx context.Context, p *plan, stop context.CancelCauseFunc) {
	wait := watchInterval
	for {
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
		began := time.Now()
		if err := b.checkQuota(p); err != nil {
			stop(err)
			return
		}
		wait = max(watchInterval, 10*time.Since(began))
	}
}

// checkQuota returns a fault when the user of an app has used up the quota.
func (b *Builder) checkQuota(p *plan) error {
	d := p.descriptor
	used, err := b.measure(p)
	if err == nil {
		b.users.Store(d.Owner, true)
		b.measured(d.Owner, used)
		if used.Sum() < d.DiskQuota {
			return nil
		}
		err = errors.New(used.String())
	}
	return &modgw.Fault{
		Code: "MGW-ENV-034",
		Summary: fmt.Sprintf("cannot build the environment of app %q: user %q has used up disk = %s",
			d.Name, d.Owner, modgw.FormatSize(d.DiskQuota)),
		Err: err,
		Hint: fmt.Sprintf("an administrator frees environments that no app uses with modgw-host env gc, downloads by removing %q, "+
			"or raises disk in tenant %q", b.cacheOf(p), d.Owner),
	}
}

// measureOnce measures the disk usage of a user with a quota if that was not done yet, because
// nothing has to be built.
func (b *Builder) measureOnce(p *plan) {
	if p.descriptor.DiskQuota <= 0 {
		return
	}
	if _, known := b.users.LoadOrStore(p.descriptor.Owner, true); known {
		return
	}
	// If it cannot be measured, the next build reports an error.
	if used, err := b.measure(p); err == nil {
		b.measured(p.descriptor.Owner, used)
	}
}

// measure measures the disk usage of an app's user.
func (b *Builder) measure(p *plan) (used modgw.DiskUsage, err error) {
	used = b.kept(p.descriptor.Owner)
	all, err := b.look()
	if err != nil {
		return used, err
	}
	c := diskCounter{uid: effectiveUID(p.account), seen: map[inode]bool{}}
	largest := int64(0)
	for _, e := range all {
		if uidOf(e.owner) != uidOf(p.account) {
			continue
		}
		size, err := c.folder(filepath.Join(b.envs, e.name), p.account)
		if err != nil {
			return used, err
		}
		used.Environments += size
		if size > largest {
			largest, used.Largest = size, strings.Join(quoted(e.apps()), ", ")
			if filepath.Join(b.envs, e.name) == p.dir { // it is being built
				used.Largest = strconv.Quote(string(p.descriptor.Name))
			}
		}
	}
	if used.Caches, err = c.folder(b.cacheOf(p), p.account); err != nil {
		return used, err
	}
	used.Private, err = c.folder(b.private, p.account)
	return used, err
}

// Disk measures the disk usage of an app, with environment as the folder of its environment, and of
// all apps of its user. The app's own folder may be one of the user's, which does not count.
func (b *Builder) Disk(d modgw.Descriptor, environment string) (own, all modgw.DiskUsage, err error) {
	acct, err := lookupAccount(d)
	if err != nil {
		return own, all, err
	}
	if all, err = b.measure(&plan{descriptor: d, account: acct}); err != nil {
		return own, all, err
	}
	c := diskCounter{uid: effectiveUID(acct), seen: map[inode]bool{}}
	if environment != "" && filepath.Dir(environment) == b.envs {
		if own.Environments, err = c.folder(environment, acct); err != nil {
			return own, all, err
		}
	}
	own.Private, err = c.folder(filepath.Join(b.private, string(d.Name)), acct)
	return own, all, err
}

// cacheOf is the folder of downloads of the app's user.
func (b *Builder) cacheOf(p *plan) string {
	return filepath.Join(b.caches, fmt.Sprint(effectiveUID(p.account)))
}

func quoted(apps []modgw.AppName) (list []string) {
	for _, app := range apps {
		list = append(list, strconv.Quote(string(app)))
	}
	return list
}

// deepest is the deepest nesting of folders that are measured. No environment has as many.
const deepest = 200

// diskCounter counts the bytes on the disk of files that a user owns. It follows no link, and
// counts a file with many names once.
type diskCounter struct {
	uid  uint32
	seen map[inode]bool // files with several names
}

// inode names a file of the machine.
type inode struct{ device, number uint64 }

// folder measures a folder, with the rights of an account. Inaccessible folders of other users
// count nothing, as does a missing one.
func (c *diskCounter) folder(dir string, as *account.Account) (size int64, err error) {
	err = as.Do(func() error {
		size, err = c.walk(unix.AT_FDCWD, dir, dir, 0)
		return err
	})
	return size, err
}

// walk counts the folder with a name in the one that parent is; path is for people.
func (c *diskCounter) walk(parent int, name, path string, depth int) (size int64, err error) {
	fd, err := unix.Openat(parent, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENOTDIR) || errors.Is(err, unix.ELOOP) {
		return 0, nil // it was removed, or has become something else
	}
	if err != nil {
		return 0, c.denied(parent, name, path, err)
	}
	folder := os.NewFile(uintptr(fd), path)
	defer folder.Close()
	if depth > deepest {
		return 0, fmt.Errorf("cannot count %q: there are more than %d folders within each other", path, deepest)
	}
	for {
		entries, err := folder.Readdirnames(1000)
		for _, entry := range entries {
			n, err := c.count(fd, entry, filepath.Join(path, entry), depth)
			if err != nil {
				return size, err
			}
			size += n
		}
		if err != nil || len(entries) == 0 {
			return size, nil // io.EOF
		}
	}
}

// count counts a file, or a folder with all that is in it.
func (c *diskCounter) count(parent int, name, path string, depth int) (size int64, err error) {
	var s unix.Stat_t
	if err := unix.Fstatat(parent, name, &s, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return 0, nil // it was removed
	}
	if s.Uid == c.uid && c.first(&s) {
		size = s.Blocks * 512
	}
	if s.Mode&unix.S_IFMT == unix.S_IFDIR {
		inside, err := c.walk(parent, name, path, depth+1)
		return size + inside, err
	}
	return size, nil
}

// first reports whether a file was not counted by another of its names.
func (c *diskCounter) first(s *unix.Stat_t) bool {
	if s.Nlink < 2 || s.Mode&unix.S_IFMT == unix.S_IFDIR {
		return true
	}
	id := inode{uint64(s.Dev), s.Ino}
	if c.seen[id] {
		return false
	}
	c.seen[id] = true
	return true
}

// denied returns the error for an inaccessible folder. A folder of another user is ignored; one of
// the user's own would hide its contents.
func (c *diskCounter) denied(parent int, name, path string, err error) error {
	var s unix.Stat_t
	if unix.Fstatat(parent, name, &s, unix.AT_SYMLINK_NOFOLLOW) == nil && s.Uid != c.uid {
		return nil
	}
	return fmt.Errorf("cannot count %q: %w", path, err)
}
