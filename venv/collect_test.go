package venv

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/modgw/modgw/modgw"
)

func TestEqualInputsAreSharedByApps(t *testing.T) {
	s := quickSite(t)
	s.wheel("tiny", "1.0", nil, nil)
	s.write("requirements.txt", "tiny\n")
	other := newSite(t)
	other.environ, other.state = s.environ, s.state
	other.write("requirements.txt", "tiny  # the same\n")
	d := other.descriptor()
	d.Name = "shop"
	blog, shop := s.mustBuild(s.descriptor()), other.mustBuild(d)
	if blog.Dir != shop.Dir || shop.Took != 0 {
		t.Errorf("two folders: %s and %s", blog.Dir, shop.Dir)
	}
	if hash := filepath.Base(blog.Dir); blog.ID != "blog-"+hash || shop.ID != "shop-"+hash {
		t.Errorf("IDs %s and %s", blog.ID, shop.ID)
	}
	list, err := s.builder().List()
	if err != nil || len(list) != 1 || !slices.Equal(list[0].Apps, []modgw.AppName{"blog", "shop"}) {
		t.Errorf("List = %+v, %v", list, err)
	}
}

// age makes all environments look as if they were last used long ago, the first one the longest.
func (s *site) age(hashes ...string) {
	s.t.Helper()
	for i, hash := range hashes {
		files, _ := filepath.Glob(filepath.Join(s.state, "envs", hash+".*"+useSuffix))
		for _, file := range files {
			at := time.Now().Add(time.Duration(i-100) * time.Hour)
			if err := os.Chtimes(file, at, at); err != nil {
				s.t.Fatal(err)
			}
		}
		m, ok := readMarker(filepath.Join(s.state, "envs", hash), nil)
		if !ok {
			continue
		}
		m.Built = time.Now().Add(-200 * time.Hour)
		if err := m.write(filepath.Join(s.state, "envs", hash)); err != nil {
			s.t.Fatal(err)
		}
	}
}

func TestUnusedEnvironmentsAreCollected(t *testing.T) {
	t.Parallel()
	s := quickSite(t)
	var hashes []string
	for _, version := range []string{"1.0", "2.0", "3.0", "4.0"} {
		s.wheel("tiny", version, nil, nil)
		s.write("requirements.txt", "tiny=="+version)
		hashes = append(hashes, filepath.Base(s.mustBuild(s.descriptor()).Dir))
	}
	collect := func(c Collection) []string {
		t.Helper()
		removed, err := s.builder().Collect(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, r := range removed {
			ids = append(ids, r.ID)
		}
		slices.SortFunc(ids, func(a, b string) int { return slices.Index(hashes, a) - slices.Index(hashes, b) })
		return ids
	}
	if got := collect(Collection{}); len(got) != 0 {
		t.Errorf("%v were removed right after they were asked for", got)
	}
	s.age(hashes...)
	if got := collect(Collection{Newest: 2, DryRun: true}); !slices.Equal(got, hashes[:2]) || len(s.environments()) != 4 {
		t.Errorf("a dry run named %v of %v and left %v", got, hashes, s.environments())
	}
	if got := collect(Collection{Newest: 2, Keep: []string{"blog-" + hashes[0]}}); !slices.Equal(got, hashes[1:2]) {
		t.Errorf("removed %v of %v", got, hashes)
	}
	if got := collect(Collection{Keep: []string{"blog-" + hashes[3]}}); !slices.Equal(got, []string{hashes[0], hashes[2]}) {
		t.Errorf("removed %v of %v", got, hashes)
	}
	files, err := os.ReadDir(filepath.Join(s.state, "envs"))
	for _, f := range files {
		if err != nil || !strings.HasPrefix(f.Name(), hashes[3]) {
			t.Errorf("%s is left, %v", f.Name(), err)
		}
	}
	if env := s.mustBuild(s.descriptor()); env.Took != 0 {
		t.Error("what was kept had to be built again")
	}
}

func TestWhatKilledBuildsLeftIsCollected(t *testing.T) {
	s := quickSite(t)
	b := s.builder()
	if removed, err := b.Collect(t.Context(), Collection{}); len(removed) != 0 || err != nil {
		t.Errorf("without a state folder: %v, %v", removed, err)
	}
	good := s.mustBuild(s.descriptor())
	if err := os.MkdirAll(filepath.Join(b.envs, "0123456789ab/lib"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"ba9876543210.lock", "ba9876543210.blog.used"} {
		if err := os.WriteFile(filepath.Join(b.envs, file), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	removed, err := b.Collect(t.Context(), Collection{})
	if err != nil || len(removed) != 3 || removed[0].What != "unfinished build" {
		t.Errorf("removed %+v, %v", removed, err)
	}
	if got := s.environments(); len(got) != 1 || got[0] != filepath.Base(good.Dir) {
		t.Errorf("left are %v", got)
	}
}

func TestCollectingLeavesABuildAlone(t *testing.T) {
	t.Parallel()
	s := quickSite(t)
	s.wheel("tiny", "1.0", nil, nil)
	s.write("requirements.txt", "tiny")
	var steps int
	env, err := s.builder().Build(t.Context(), s.descriptor(), func(step Step) {
		if step.Output {
			return
		}
		steps++
		if removed, err := s.builder().Collect(context.Background(), Collection{}); len(removed) != 0 || err != nil {
			t.Errorf("while %s: removed %+v, %v", step.Text, removed, err)
		}
	})
	if err != nil || steps == 0 {
		t.Fatal(steps, err)
	}
	if got := run(t, env, "import tiny; print(tiny.__version__)"); got != "1.0" {
		t.Errorf("tiny is %q", got)
	}
}

// A build that waits for a lock whose file is removed meanwhile must not get a lock that others
// cannot find.
func TestRemovedLockIsNoLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.lock")
	first, err := acquire(t.Context(), path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := share(path); ok {
		t.Error("a lock that is held exclusively was shared")
	}
	got := make(chan *os.File, 1)
	waiting := make(chan struct{})
	go func() {
		f, err := acquire(t.Context(), path, func() { close(waiting) })
		if err != nil {
			t.Error(err)
		}
		got <- f
	}()
	<-waiting
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	release(first)
	second := <-got
	defer release(second)
	if _, err := tryLock(path, 2, 0); errors.Is(err, os.ErrNotExist) || !sameFile(second, path) {
		t.Errorf("the lock is held on a file that is not at its path: %v", err)
	}
}
