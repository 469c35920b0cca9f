package venv

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/modgw/modgw/internal/account"
	"github.com/modgw/modgw/internal/runnertest"
	"github.com/modgw/modgw/modgw"
)

// bytesOf writes size bytes that use disk space.
func bytesOf(t *testing.T, path string, size int) {
	t.Helper()
	if err := os.WriteFile(path, []byte(strings.Repeat("x", size)), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestDiskIsCountedOnceAndWithoutLinks(t *testing.T) {
	t.Parallel()
	dir, elsewhere := t.TempDir(), t.TempDir()
	bytesOf(t, filepath.Join(elsewhere, "large"), 4<<20)
	inside := filepath.Join(dir, "a", "b")
	if err := os.MkdirAll(inside, 0o700); err != nil {
		t.Fatal(err)
	}
	bytesOf(t, filepath.Join(inside, "file"), 1<<20)
	for name, target := range map[string]string{
		"file link": filepath.Join(elsewhere, "large"), "folder link": elsewhere, "loop": dir, "nowhere": "/none/such",
	} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"x", "y"} {
		if err := os.Link(filepath.Join(inside, "file"), filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	sparse, err := os.Create(filepath.Join(dir, "sparse"))
	if err != nil {
		t.Fatal(err)
	}
	defer sparse.Close()
	if err := sparse.Truncate(1 << 40); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mkfifo(filepath.Join(dir, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := diskCounter{uid: uint32(os.Geteuid()), seen: map[inode]bool{}}
	size, err := c.folder(dir, nil)
	if err != nil || size < 1<<20 || size > 1<<20+64<<10 {
		t.Errorf("%d bytes, %v", size, err)
	}
	if size, err := c.folder(filepath.Join(dir, "missing"), nil); size != 0 || err != nil {
		t.Errorf("a folder that is missing: %d, %v", size, err)
	}
	if size, err := c.folder(filepath.Join(dir, "folder link"), nil); size != 0 || err != nil {
		t.Errorf("a link: %d, %v", size, err)
	}
	deep := dir
	for range deepest + 2 {
		deep = filepath.Join(deep, "d")
	}
	if err := os.MkdirAll(deep, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := c.folder(dir, nil); err == nil || !strings.Contains(err.Error(), "within each other") {
		t.Errorf("deep folders: %v", err)
	}
}

func TestFilesThatAUserHidesAreAnError(t *testing.T) {
	t.Parallel()
	needRoot(t)
	dir := t.TempDir()
	hidden := filepath.Join(dir, "hidden")
	if err := os.Mkdir(hidden, 0); err != nil {
		t.Fatal(err)
	}
	as, err := account.Lookup("nobody", "")
	if err != nil {
		t.Skip(err)
	}
	runnertest.OpenFolders(t, dir)
	c := diskCounter{uid: as.UID, seen: map[inode]bool{}}
	if size, err := c.folder(dir, as); size != 0 || err != nil {
		t.Errorf("a folder of another user: %d, %v", size, err)
	}
	if err := os.Chown(hidden, int(as.UID), int(as.GID)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.folder(dir, as); err == nil || !strings.Contains(err.Error(), hidden) {
		t.Errorf("a folder of the user: %v", err)
	}
}

func TestBuildBeyondTheQuotaIsRefused(t *testing.T) {
	t.Parallel()
	s := quickSite(t)
	if err := os.RemoveAll(s.state); err != nil { // the cache of uv, which counts
		t.Fatal(err)
	}
	s.wheel("tiny", "1.0", nil, nil)
	// The packages of an owner's app come from no index that the host alone knows.
	index := "--no-index\n--find-links " + s.index + "\n"
	s.write("requirements.txt", index+"tiny\n")
	d := s.descriptor()
	d.Owner, d.DiskQuota = "shopteam", 4096 // the folder was empty, and exceeds the quota later
	f := s.mustFail(d, "MGW-ENV-034")
	if !strings.Contains(f.Error(), `is that of "blog"`) || len(s.environments()) != 0 {
		t.Errorf("%v\nleft: %v", f, s.environments())
	}
	d.DiskQuota = 1 << 30
	measured := modgw.DiskUsage{}
	b := New(Config{
		State: s.state, Environ: s.environ,
		Kept:     func(string) modgw.DiskUsage { return modgw.DiskUsage{Spool: 1 << 20} },
		Measured: func(user string, used modgw.DiskUsage) { measured = used },
	})
	env, err := b.Build(t.Context(), d, nil)
	if err != nil || measured.Environments < 4096 || measured.Spool != 1<<20 {
		t.Fatalf("%v, measured %+v", err, measured)
	}
	// An existing environment remains in use.
	d.DiskQuota = 4096
	if again, err := b.Build(t.Context(), d, nil); err != nil || again.ID != env.ID {
		t.Errorf("%+v, %v", again, err)
	}
	s.wheel("more", "1.0", nil, nil)
	s.write("requirements.txt", index+"tiny\nmore\n")
	s.mustFail(d, "MGW-ENV-034")
	if left := s.environments(); len(left) != 1 {
		t.Errorf("left: %v", left)
	}
}

// A build that fills the disk is stopped before it has ended.
func TestBuildIsStoppedWhenItUsesUpTheQuota(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	d := s.descriptor()
	d.Owner, d.DiskQuota = "shopteam", 1<<20
	b := s.builder()
	p, err := b.plan(t.Context(), d, func(Step) {})
	if err != nil {
		t.Fatal(err)
	}
	err = b.withinQuota(t.Context(), p, func(ctx context.Context) error {
		dir := filepath.Join(b.cacheOf(p))
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Error(err)
		}
		bytesOf(t, filepath.Join(dir, "bomb"), 2<<20)
		select {
		case <-ctx.Done():
		case <-time.After(time.Minute):
			t.Error("the build is not stopped")
		}
		return ctx.Err()
	})
	wantFault(t, nil, err, "MGW-ENV-034")
}
