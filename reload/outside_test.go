package reload

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/modgw/modgw/internal/files"
	"github.com/modgw/modgw/internal/watchtest"
	"github.com/modgw/modgw/modgw"
)

// linkedTree returns a root with one file and a link to a folder outside of it, and a scanner for
// its Python code.
func linkedTree(t *testing.T) (root, outside string, s *scanner) {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	root, outside = filepath.Join(dir, "app"), filepath.Join(dir, "elsewhere")
	err = errors.Join(
		os.Mkdir(root, 0o755),
		os.Mkdir(outside, 0o755),
		os.WriteFile(filepath.Join(root, "views.py"), []byte("1"), 0o644),
		os.Symlink(outside, filepath.Join(root, "a_link")),
	)
	if err != nil {
		t.Fatal(err)
	}
	now, err := prepareInterest(Interest{App: "blog", Root: root, Globs: []Glob{{Pattern: "**/*.py", Class: Code}}})
	if err != nil {
		t.Fatal(err)
	}
	return root, outside, &scanner{disk: now.disk(), rules: now.rules, root: root}
}

func TestLinksInFoldersOutsideAreFollowed(t *testing.T) {
	root, outside, s := linkedTree(t)
	further := filepath.Join(filepath.Dir(root), "further")
	err := errors.Join(
		os.Remove(filepath.Join(root, "a_link")),
		os.Mkdir(filepath.Join(root, "package"), 0o755),
		os.Symlink(outside, filepath.Join(root, "package/first")), // no link is in the root itself
		os.Mkdir(further, 0o755),
		os.WriteFile(filepath.Join(further, "late.py"), nil, 0o644),
		os.Symlink(further, filepath.Join(outside, "second")),
		os.Symlink(filepath.Dir(root), filepath.Join(outside, "above")),
	)
	if err != nil {
		t.Fatal(err)
	}
	found := s.scan(t.Context())
	if _, ok := found.files.get(filepath.Join(root, "package/first/second/late.py")); !ok {
		t.Error("no file is found through the second link")
	}
	if _, ok := found.files.get(filepath.Join(root, "package/first/above/app/views.py")); ok {
		t.Error("a link to a folder above the root was followed")
	}
}

func TestLinksThatLeadOutsideAreScannedLastAndUpToALimit(t *testing.T) {
	root, outside, s := linkedTree(t)
	for i := range outsideFolderLimit + 100 {
		folder := filepath.Join(outside, fmt.Sprint(i))
		if err := errors.Join(os.Mkdir(folder, 0o755), os.WriteFile(filepath.Join(folder, "x.py"), nil, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	var order []string
	s.watchFolder = func(dir string) error { order = append(order, dir); return nil }
	found := s.scan(t.Context())
	if _, ok := found.files.get(filepath.Join(root, "views.py")); !ok {
		t.Error("the file of the root is not found")
	}
	if _, ok := found.files.get(filepath.Join(root, "a_link/0/x.py")); !ok {
		t.Error("no file is found through the link")
	}
	if len(found.dirs) > outsideFolderLimit+10 {
		t.Errorf("%d folders were entered", len(found.dirs))
	}
	if s.outside.oversizedLink != filepath.Join(root, "a_link") {
		t.Errorf("the link at the limit is %q", s.outside.oversizedLink)
	}
	if len(order) == 0 || order[0] != root {
		t.Errorf("the root is not entered first: %q", order[:min(3, len(order))])
	}
}

func TestLinksToFoldersAboveAndToTheKernelsFileSystemsAreNotFollowed(t *testing.T) {
	root, outside, s := linkedTree(t)
	if err := os.WriteFile(filepath.Join(outside, "shared.py"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for name, target := range map[string]string{
		"slash": "/", "up": "..", "here": ".", "proc": "/proc", "self": "/proc/self", "sys": "/sys", "dev": "/dev",
		"status.py": "/proc/self/status",
	} {
		if err := os.Symlink(target, filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
	found := s.scan(t.Context())
	var dirs []string
	for dir := range found.dirs {
		dirs = append(dirs, dir)
	}
	slices.Sort(dirs)
	if !slices.Equal(dirs, []string{root, outside}) {
		t.Errorf("folders %q, want the root and what a_link leads to", dirs)
	}
	var names []string
	for file := range found.files.all() {
		names = append(names, files.Relative(root, file))
	}
	slices.Sort(names)
	if want := []string{root, "a_link", "a_link/shared.py", "views.py"}; !slices.Equal(names, append([]string{"."}, want[1:]...)) {
		t.Errorf("files %q", names)
	}
}

func TestScanEndsWithItsContext(t *testing.T) {
	_, outside, s := linkedTree(t)
	if err := os.MkdirAll(filepath.Join(outside, "deep/er"), 0o755); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	entered := 0
	s.watchFolder = func(string) error {
		entered++
		cancel()
		return nil
	}
	s.scan(ctx)
	if entered != 1 || !errors.Is(s.err, context.Canceled) {
		t.Errorf("%d folders were entered after the context was done, err %v", entered, s.err)
	}
}

func TestAWatcherThatWaitsForItsTurnToScanEnds(t *testing.T) {
	root, _, _ := linkedTree(t)
	w, err := New(Config{Changed: func(context.Context, Change) {}})
	if err != nil {
		t.Fatal(err)
	}
	for range cap(w.shared.scans) { // no scan can begin
		w.shared.scans <- struct{}{}
	}
	if err := w.Watch(Interest{App: "blog", Root: root, Globs: []Glob{{Pattern: "**/*.py", Class: Code}}}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	cancel()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(watchtest.Patience):
		t.Fatal("the watcher does not end")
	}
}

func TestHiddenNamesCountWhereAPatternSpellsTheDot(t *testing.T) {
	in := Of(modgw.Descriptor{Name: "blog", Kind: modgw.KindWSGI, Root: "/srv", WSGI: &modgw.WSGI{Entry: "/srv/app.wsgi"},
		Reload: modgw.Reload{Watch: []string{".config/*.toml", "conf/**", ".next/BUILD_ID"}}})
	r, err := rulesOf(in)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]Class{
		"views.py": Code, "pkg/views.py": Code, ".env": Code, ".env.local": Code, "conf/a/b": Code, ".next/BUILD_ID": Code,
		".config/site.toml": Code, "blog/templates/page.html": Code, "mail.txt.tmpl": Code,

		".ipynb_checkpoints/views-checkpoint.py": Nothing, "pkg/.history/views.py": Nothing, "._views.py": Nothing,
		"pkg/.#views.py": Nothing, ".venv/lib/x.py": Nothing, "conf/.git/config": Nothing, ".config/views.py": Nothing,
		".next/server/page.py": Nothing, "templates/.old/page.html": Nothing,
	} {
		if got := r.class("/srv/" + path); got != want {
			t.Errorf("%s is %v, want %v", path, got, want)
		}
	}
	tree := r.trees[0]
	for dir, want := range map[string]bool{
		"pkg": true, ".config": true, ".next": true, ".config/deep": false, ".ipynb_checkpoints": false, "pkg/.history": false,
	} {
		if got := tree.descends(dir, 1); got != want {
			t.Errorf("%s is entered: %t", dir, got)
		}
	}
}

func TestWhatNoGoProgramIsBuiltFromDoesNotCount(t *testing.T) {
	r, err := rulesOf(Of(modgw.Descriptor{Name: "shop", Kind: modgw.KindGo, Root: "/srv", Go: &modgw.Go{Package: "."}}))
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]Class{
		"main.go": Code, "cmd/shop/page.gohtml": Code, "page.tmpl": Code, "go.mod": Dependencies,
		"main_test.go": Nothing, "cmd/shop/cart_test.go": Nothing, "testdata/main.go": Nothing, "a/testdata/b/x.go": Nothing,
	} {
		if got := r.class("/srv/" + path); got != want {
			t.Errorf("%s is %v, want %v", path, got, want)
		}
	}
}
