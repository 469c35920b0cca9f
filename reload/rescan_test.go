package reload

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/fsnotify/fsnotify"

	"github.com/modgw/modgw/internal/files"
	"github.com/modgw/modgw/modgw"
)

// eventedApp is an app that real file events reach and that a test drives by hand.
type eventedApp struct {
	*testing.T
	*app
	folders *folders
	root    string
	looked  int // files and folders that were examined or opened
}

func newEventedApp(t *testing.T, in Interest) *eventedApp {
	t.Helper()
	watcher, err := newFolders(slog.New(slog.DiscardHandler), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { watcher.deliver(ctx); close(ended) }()
	t.Cleanup(func() {
		cancel()
		<-ended
		if err := watcher.close(); err != nil {
			t.Error(err)
		}
	})
	w, err := New(Config{Changed: func(context.Context, Change) {}})
	if err != nil {
		t.Fatal(err)
	}
	now, err := prepareInterest(in)
	if err != nil {
		t.Fatal(err)
	}
	e := &eventedApp{T: t, app: w.newApp(now), folders: watcher, root: in.Root}
	e.watcher, e.disk = watcher, e.countingDisk
	e.firstScan(t.Context())
	return e
}

func (e *eventedApp) countingDisk(in Interest) disk {
	d := in.disk()
	return disk{
		lstat: func(path string) (fs.FileInfo, error) { e.looked++; return d.lstat(path) },
		open:  func(path string) (*os.File, error) { e.looked++; return d.open(path) },
	}
}

// receive reads the events so far.
func (e *eventedApp) receive() {
	e.Helper()
	e.folders.cookies.awaitDelivery(e.Context(), e.folders)
	e.handleBatch(e.Context(), e.inbox.takeBatch())
}

// do runs a shell command in the root and scans for changes. It returns the changes, and the number
// of files and folders that the scan looked at.
func (e *eventedApp) do(command string) (found []string, looked int) {
	e.Helper()
	cmd := exec.Command("sh", "-e", "-c", command)
	cmd.Dir = e.root
	if out, err := cmd.CombinedOutput(); err != nil {
		e.Fatalf("%s: %v\n%s", command, err, out)
	}
	e.receive()
	before := e.last
	e.looked = 0
	e.scanDirty(e.Context())
	for _, d := range differences(before, e.last) {
		found = append(found, d.verb+" "+files.Relative(e.root, d.path))
	}
	slices.Sort(found)
	return found, e.looked
}

// writeFile makes a file, and the folders that it is in.
func writeFile(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	put(t, path, content)
}

// manyFiles creates a root with count files in 50 folders.
func manyFiles(t *testing.T, count int) (root string) {
	t.Helper()
	root = t.TempDir()
	for i := range count {
		writeFile(t, filepath.Join(root, fmt.Sprintf("pkg%d/mod%d.py", i%50, i)), "1")
	}
	return root
}

func TestWhatAChangeCostsDoesNotGrowWithTheNumberOfFiles(t *testing.T) {
	const count, most = 1000, 20
	root := manyFiles(t, count)
	outside := filepath.Join(t.TempDir(), "shared.py")
	writeFile(t, outside, "1")
	writeFile(t, filepath.Join(root, "app.wsgi"), "1")
	writeFile(t, filepath.Join(root, "site.hcl"), "1")
	if err := os.Symlink(outside, filepath.Join(root, "shared.py")); err != nil {
		t.Fatal(err)
	}
	a := newEventedApp(t, Of(modgw.Descriptor{
		Name: "blog", Kind: modgw.KindWSGI, Root: root, File: filepath.Join(root, "site.hcl"),
		WSGI: &modgw.WSGI{Entry: filepath.Join(root, "app.wsgi")},
	}))
	for _, step := range []struct{ command, want string }{
		{"echo 22 >pkg7/mod7.py", "changed pkg7/mod7.py"},
		{"echo 3 >pkg7/tmp; mv pkg7/tmp pkg7/mod7.py", "changed pkg7/mod7.py"},
		{"cd pkg7; : >4913; rm 4913; mv mod7.py mod7.py~; echo 44 >mod7.py; rm mod7.py~",
			"changed pkg7/mod7.py"},
		{"echo 1 >pkg7/new.py", "added pkg7/new.py"},
		{"mv pkg7/new.py pkg8/newer.py", "added pkg8/newer.py, removed pkg7/new.py"},
		{"rm pkg8/newer.py", "removed pkg8/newer.py"},
		{"printf 1 >pkg9/mod9.py", ""},
		{"echo 22 >app.wsgi", "changed app.wsgi"},
		{"echo 22 >site.hcl", "changed site.hcl"},
		{"echo 22 >" + outside, "changed shared.py"},
		{"mkdir -p deep/er; echo 1 >deep/er/mod.py", "added deep/er/mod.py"},
		{"echo 22 >deep/er/mod.py", "changed deep/er/mod.py"},
		{"mv deep flat", "added flat/er/mod.py, removed deep/er/mod.py"},
		{"echo 3 >flat/er/mod.py", "changed flat/er/mod.py"},
		{"rm -r flat", "removed flat/er/mod.py"},
		{"echo 1 >pkg1/data.json", ""},
	} {
		found, looked := a.do(step.command)
		if got := strings.Join(found, ", "); got != step.want {
			t.Errorf("%s: found %q, want %q", step.command, got, step.want)
		}
		if looked > most {
			t.Errorf("%s: %d files and folders of %d were looked at", step.command, looked, count)
		}
	}
}

func TestLostEventsAndLinksMakeEverythingLookedAt(t *testing.T) {
	const count = 100
	root := manyFiles(t, count)
	a := newEventedApp(t, Interest{
		App: "blog", Root: root, Globs: []Glob{{Pattern: "**/*.py", Class: Code}},
	})
	check := func(what string, looked int) {
		if looked < count {
			t.Errorf("after %s only %d files and folders were looked at", what, looked)
		}
	}
	for what, post := range map[string]func(){
		"lost events":       a.inbox.rescan,
		"a flood of events": func() { flood(a.inbox, root) },
		"a mount":           func() { a.inbox.mounted([]string{root}) },
	} {
		post()
		_, looked := a.do("true")
		check(what, looked)
	}
	for _, command := range []string{
		"ln -s pkg1 link",
		"ln -s pkg2 next; mv -T next link",
		"mkdir -p new/deep; ln -s ../../pkg1 new/deep/link",
	} {
		_, looked := a.do(command)
		check(command, looked)
	}
}

func flood(b *inbox, root string) {
	for i := range inboxLimit + 1 {
		b.event(fsnotify.Event{Name: fmt.Sprintf("%s/%d.py", root, i), Op: fsnotify.Create})
	}
}

// TestWhatEventsNameIsAllThatDiffers performs random operations of people and tools on files, and
// compares the scan of the files named by events with a scan of all files.
func TestWhatEventsNameIsAllThatDiffers(t *testing.T) {
	narrow := 0
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			dir, err := filepath.EvalSymlinks(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			writeFile(t, dir+"/app/views.py", "1")
			writeFile(t, dir+"/lib/util.py", "1")
			a := newEventedApp(t, Interest{
				App: "blog", Root: dir + "/app",
				Entry:        []string{dir + "/app/a.py"},
				Dependencies: []string{dir + "/app/b/b.py"},
				Globs: []Glob{
					{Pattern: "**/*.py", Class: Code},
					{Pattern: "a/**", Class: Asset},
					{Pattern: dir + "/lib/*.py", Class: Dependencies},
				},
			})
			r := rand.New(rand.NewPCG(seed, 1))
			for step := range 40 {
				var done []string
				for range 1 + r.IntN(4) {
					done = append(done, changeSomething(r, dir))
				}
				a.receive()
				seen, complete := a.rescan(t.Context())
				if complete {
					narrow++
					want, err := a.scan(t.Context())
					if err != nil {
						t.Fatal(err)
					}
					if diff := contradiction(seen.out, want.out); diff != "" {
						diff = strings.ReplaceAll(diff, dir, "")
						t.Fatalf("step %d: after %s:\n%s", step, strings.Join(done, ", "), diff)
					}
				}
				a.scanDirty(t.Context())
			}
		})
	}
	if narrow < 20 {
		t.Errorf("only %d looks were narrow", narrow)
	}
}

// changeSomething performs one operation below dir and returns its name. If the operation is
// impossible, nothing changes.
func changeSomething(r *rand.Rand, dir string) string {
	names := strings.Fields("a b c a.py b.py a.py.tmp pyvenv.cfg note.txt node_modules")
	path := func() string {
		p := dir + "/app"
		if r.IntN(8) == 0 {
			p = dir + "/lib"
		}
		for range r.IntN(3) {
			p += "/" + names[r.IntN(3)]
		}
		return p + "/" + names[r.IntN(len(names))]
	}
	one, other := path(), path()
	what := strings.Fields("write write write write mkdir rename remove link replace")[r.IntN(9)]
	if what == "link" && r.IntN(3) > 0 {
		what = "write" // a link causes a full scan, and remains
	}
	switch what {
	case "write":
		_ = os.WriteFile(one, fmt.Append(nil, r.IntN(1000)), 0o644)
	case "mkdir":
		below := one + "/" + names[r.IntN(3)]
		_ = os.MkdirAll(below, 0o755)
		_ = os.WriteFile(below+"/mod.py", []byte("1"), 0o644)
	case "rename":
		_ = os.Rename(one, other)
	case "remove":
		_ = os.RemoveAll(one)
	case "link":
		_ = os.Symlink(other, one)
	case "replace":
		_ = os.WriteFile(one+"~", fmt.Append(nil, r.IntN(1000)), 0o644)
		_ = os.Rename(one+"~", one)
	}
	return what + " " + strings.TrimPrefix(one, dir) + " " + strings.TrimPrefix(other, dir)
}

// contradiction describes a difference between two snapshots of the same files, or returns "" if
// there is none.
func contradiction(got, want *snapshot) string {
	for path, e := range want.files.all() {
		seen, ok := got.files.get(path)
		if !ok || !seen.same(e) || seen.class != e.class || e.target == "" && !seen.sameStat(e) {
			return fmt.Sprintf("%s is %+v, want %+v", path, seen, e)
		}
	}
	for path := range got.files.all() {
		if _, ok := want.files.get(path); !ok {
			return path + " is not there"
		}
	}
	if len(got.dirs) != len(want.dirs) {
		return fmt.Sprintf("folders %v, want %v", got.dirs, want.dirs)
	}
	for dir, places := range want.dirs {
		if !slices.Equal(got.dirs[dir], places) {
			return fmt.Sprintf("%s is at %+v, want %+v", dir, got.dirs[dir], places)
		}
	}
	slices.Sort(got.unfinished)
	slices.Sort(want.unfinished)
	switch {
	case !reflect.DeepEqual(got.ancestors, want.ancestors):
		return fmt.Sprintf("pins %v, want %v", got.ancestors, want.ancestors)
	case !slices.Equal(got.unfinished, want.unfinished):
		return fmt.Sprintf("unfinished %q, want %q", got.unfinished, want.unfinished)
	case got.files.len() != len(maps.Collect(got.files.all())):
		return "the number of files is wrong"
	}
	return ""
}
