package safepath

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/modgw/modgw/internal/account"
	"github.com/modgw/modgw/internal/exchangetest"
	"github.com/modgw/modgw/internal/watchtest"
)

// Users of the tests; the system need not know them.
const (
	alice = 61001
	bob   = 61002
	staff = 61003 // a group
)

// owned skips the test unless root runs it, and returns a folder owned by root that everyone may
// enter.
func owned(t *testing.T) string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can act for another user")
	}
	dir, err := os.MkdirTemp("", "safepath")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// place creates a folder, a file whose content is its name, a link to target, or another name of
// the file target. In the target of a link, DIR is replaced by dir.
func place(t *testing.T, dir, kind, name string, uid, gid int, mode fs.FileMode, target string) {
	t.Helper()
	path := filepath.Join(dir, name)
	var err error
	switch kind {
	case "folder":
		err = os.Mkdir(path, 0o700)
	case "file":
		err = os.WriteFile(path, []byte(name), 0o600)
	case "link":
		err = os.Symlink(strings.ReplaceAll(target, "DIR", dir), path)
	case "name":
		err = os.Link(filepath.Join(dir, target), path)
	}
	if err == nil && kind != "name" {
		err = os.Lchown(path, uid, gid)
	}
	if err == nil && (kind == "folder" || kind == "file") {
		err = os.Chmod(path, mode)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestWhoCanChangeAnyStepCounts(t *testing.T) {
	dir := owned(t)
	folder := func(name string, uid, gid int, mode fs.FileMode) { place(t, dir, "folder", name, uid, gid, mode, "") }
	file := func(name string, uid, gid int, mode fs.FileMode) { place(t, dir, "file", name, uid, gid, mode, "") }
	link := func(name string, uid int, target string) { place(t, dir, "link", name, uid, uid, 0, target) }

	folder("root", 0, 0, 0o755)
	file("root/file", 0, 0, 0o644)
	file("root/alices", alice, alice, 0o644)
	file("root/group", 0, staff, 0o664)
	file("root/all", 0, 0, 0o666)
	link("root/link", 0, "file")
	link("root/alink", alice, "file")
	link("root/to-alice", 0, "../alice/file")
	link("root/through", 0, "DIR/alice/deep/back/file")
	folder("alice", alice, alice, 0o755)
	file("alice/file", alice, alice, 0o644)
	file("alice/roots", 0, 0, 0o644)
	file("alice/bobs", bob, bob, 0o644)
	folder("alice/deep", 0, 0, 0o755)
	link("alice/deep/back", 0, "DIR/root")
	folder("alice/open", alice, alice, 0o777)
	file("alice/open/file", alice, alice, 0o644)
	folder("group", 0, staff, 0o775)
	file("group/file", 0, 0, 0o644)
	folder("sticky", 0, 0, 0o777|fs.ModeSticky)
	file("sticky/roots", 0, 0, 0o644)
	file("sticky/alices", alice, alice, 0o644)
	link("sticky/alink", alice, "../root/file")
	place(t, dir, "name", "sticky/second", 0, 0, 0, "root/all")

	for name, want := range map[string]string{
		"root/file":           "root alone",
		"root/link":           "root alone",
		"root":                "root alone",
		"root/../root/./file": "root alone",
		"root/alices":         "user 61001",
		"root/alink":          "user 61001",
		"root/to-alice":       "user 61001",
		"root/through":        "user 61001", // both ends are root's
		"root/group":          `group "61003"`,
		"root/all":            "everybody",
		"alice":               "user 61001",
		"alice/roots":         "user 61001",
		"alice/../root/file":  "user 61001",
		"alice/bobs":          "everybody",
		"alice/open/file":     "everybody",
		"group/file":          `group "61003"`,
		"sticky/roots":        "root alone",
		"sticky/alices":       "user 61001",
		"sticky/alink":        "user 61001",
		"sticky/second":       "everybody",
	} {
		f, err := Opener{}.Open(dir + "/" + name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := f.Writers.String(); got != want {
			t.Errorf("%s: %s can change it, want %s; %v", name, got, want, f.Steps)
		}
		f.Close()
	}
}

func TestNothingIsOpenedThatAWriterCannotOpen(t *testing.T) {
	dir := owned(t)
	place(t, dir, "folder", "alice", alice, alice, 0o755, "")
	place(t, dir, "folder", "closed", 0, 0, 0o700, "")
	place(t, dir, "file", "secret", 0, 0, 0o600, "")
	place(t, dir, "file", "closed/readable", 0, 0, 0o644, "")
	place(t, dir, "file", "bobs", bob, bob, 0o600, "")
	place(t, dir, "file", "alice/own", alice, alice, 0o600, "")
	place(t, dir, "link", "alice/secret", alice, alice, 0, "DIR/secret")
	place(t, dir, "link", "alice/readable", alice, alice, 0, "../closed/readable")
	place(t, dir, "link", "alice/bobs", alice, alice, 0, "DIR/bobs")
	place(t, dir, "folder", "alice/shared", alice, staff, 0o775, "")
	place(t, dir, "file", "alice/shared/own", alice, alice, 0o600, "")
	for _, name := range []string{"alice/secret", "alice/readable", "alice/bobs", "alice/shared/own"} {
		path := filepath.Join(dir, name)
		if data, err := (Opener{}).ReadFile(path, 100); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("%s was read: %q, %v", name, data, err)
		}
		if name == "alice/readable" {
			if info, err := (Opener{}).Stat(path); !errors.Is(err, fs.ErrPermission) {
				t.Errorf("%s was described: %v, %v", name, info, err)
			}
		}
	}
	if data, err := (Opener{}).ReadFile(filepath.Join(dir, "alice/own"), 100); string(data) != "alice/own" || err != nil {
		t.Errorf("alice's own file: %q, %v", data, err)
	}
	_, err := Opener{}.ReadFile(filepath.Join(dir, "alice/secret"), 100)
	want := "permission denied: it is opened with the rights of user 61001, because user 61001 can change \"" + dir + "/alice\""
	if err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	if data, err := (Opener{User: &account.Account{UID: bob, GID: bob}}).ReadFile(filepath.Join(dir, "alice/own"), 100); err == nil {
		t.Errorf("with bob's rights alice's file was read: %q", data)
	}
	if data, err := os.ReadFile(filepath.Join(dir, "secret")); err != nil {
		t.Errorf("this process lost its own rights: %q, %v", data, err)
	}
}

func TestLinksOfFoldersStayInThePath(t *testing.T) {
	dir := t.TempDir()
	err := errors.Join(
		os.MkdirAll(filepath.Join(dir, "enabled"), 0o755),
		os.MkdirAll(filepath.Join(dir, "releases/42"), 0o755),
		os.MkdirAll(filepath.Join(dir, "releases/shared"), 0o755),
		os.Symlink("releases/42", filepath.Join(dir, "current")),
		os.Symlink(filepath.Join(dir, "current/modgw.hcl"), filepath.Join(dir, "enabled/a.hcl")),
		os.Symlink("a.hcl", filepath.Join(dir, "enabled/b.hcl")),
		os.WriteFile(filepath.Join(dir, "releases/42/modgw.hcl"), nil, 0o644),
		os.WriteFile(filepath.Join(dir, "releases/shared/modgw.hcl"), nil, 0o644),
		os.Symlink("../shared/modgw.hcl", filepath.Join(dir, "releases/42/shared.hcl")),
	)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"enabled/a.hcl":      "current/modgw.hcl",
		"enabled/b.hcl":      "current/modgw.hcl",
		"current/modgw.hcl":  "current/modgw.hcl",
		"current/shared.hcl": "releases/shared/modgw.hcl",
	} {
		f, err := Opener{}.Open(filepath.Join(dir, name))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if want = filepath.Join(dir, want); f.Path != want {
			t.Errorf("%s is %q, want %q", name, f.Path, want)
		}
		f.Close()
	}
}

func TestPlacesThatOthersMayWriteToAreNamed(t *testing.T) {
	dir := owned(t)
	place(t, dir, "folder", "a", alice, alice, 0o755, "")
	place(t, dir, "file", "a/group", alice, alice, 0o664, "")
	place(t, dir, "file", "a/all", alice, alice, 0o646, "")
	place(t, dir, "folder", "a/open", alice, alice, 0o775, "")
	place(t, dir, "file", "a/open/file", alice, alice, 0o664, "")
	place(t, dir, "file", "a/good", alice, alice, 0o644, "")
	for name, want := range map[string]Loose{
		"a/group":     {Path: dir + "/a/group", By: Writers{oneGroup, alice}},
		"a/all":       {Path: dir + "/a/all", By: Writers{scope: severalUsers}},
		"a/open/file": {Path: dir + "/a/open", Folder: true, By: Writers{oneGroup, alice}},
		"a/good":      {},
	} {
		f, err := Opener{}.Open(filepath.Join(dir, name))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if f.Loose != want {
			t.Errorf("%s: %+v, want %+v", name, f.Loose, want)
		}
		f.Close()
	}
}

func TestOnlyRegularFilesAndFoldersAreOpened(t *testing.T) {
	dir := t.TempDir()
	err := errors.Join(
		syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o644),
		os.WriteFile(filepath.Join(dir, "file"), []byte("12345"), 0o644),
		os.Symlink("loop", filepath.Join(dir, "loop")),
	)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]error{
		"pipe": nil, "file/x": syscall.ENOTDIR, "none": fs.ErrNotExist, "loop": syscall.ELOOP, "loop/x": syscall.ELOOP,
		strings.Repeat("./../"+filepath.Base(dir)+"/", mostNames) + "file": syscall.ENAMETOOLONG,
	} {
		f, err := Opener{}.Open(dir + "/" + name)
		if err == nil || want != nil && !errors.Is(err, want) {
			t.Errorf("%.20s: %v, %v, want %v", name, f, err, want)
		}
	}
	if f, err := (Opener{}).Open("relative"); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("relative path: %v, %v", f, err)
	}
	if _, err := (Opener{}).ReadFile(filepath.Join(dir, "file"), 4); err == nil {
		t.Error("a file over the limit was read")
	}
	if _, err := (Opener{}).ReadFile(dir, 4); err == nil {
		t.Error("a folder was read")
	}
	if info, err := (Opener{}).Stat(filepath.Join(dir, "pipe")); err != nil || info.Mode()&fs.ModeNamedPipe == 0 {
		t.Errorf("a pipe cannot be described: %v, %v", info, err)
	}
	names, err := fs.Glob(Opener{}.FS(dir), "*")
	if err != nil || strings.Join(names, " ") != "file loop pipe" {
		t.Errorf("%q, %v", names, err)
	}
}

// TestPathThatAUserFlipsIsNeverOpenedAsRoot has a user exchange a link all the time: it leads to a
// file of root's through many folders, so that there is much time between judging and opening, or
// to the user's own.
func TestPathThatAUserFlipsIsNeverOpenedAsRoot(t *testing.T) {
	dir := owned(t)
	place(t, dir, "folder", "enabled", 0, 0, 0o755, "")
	place(t, dir, "folder", "alice", alice, alice, 0o755, "")
	place(t, dir, "file", "enabled/harmless", 0, 0, 0o644, "")
	place(t, dir, "file", "secret", 0, 0, 0o600, "")
	place(t, dir, "link", "enabled/app", 0, 0, 0, "DIR/alice/app")
	const depth = 60
	deep, at := strings.Repeat("d/", depth), filepath.Join(dir, "alice")
	for range depth {
		at += "/d"
		if err := errors.Join(os.Mkdir(at, 0o755), os.Lchown(at, alice, alice)); err != nil {
			t.Fatal(err)
		}
	}
	place(t, dir, "link", "alice/"+deep+"end", alice, alice, 0, "DIR/enabled/harmless")
	place(t, dir, "link", "alice/app", alice, alice, 0, deep+"end")
	place(t, dir, "file", "alice/own", alice, alice, 0o644, "")
	place(t, dir, "link", "alice/secret", alice, alice, 0, "DIR/secret")

	end := exchangetest.Start(t, alice, filepath.Join(dir, "alice"), "app", "own", "secret")
	seen := map[string]int{}
	deadline := time.Now().Add(watchtest.Patience)
	for i := 0; i < 200 || len(seen) < 3 && time.Now().Before(deadline); i++ {
		f, err := Opener{}.Open(filepath.Join(dir, "enabled/app"))
		switch {
		case errors.Is(err, fs.ErrPermission):
			seen["denied"]++
			continue
		case err != nil:
			t.Fatal(err)
		}
		text, err := io.ReadAll(f)
		f.Close()
		if uid, one := f.Writers.User(); err != nil || !one || uid != alice || string(text) == "secret" {
			t.Fatalf("%q was opened although %v can change it (%v)", text, f.Writers, err)
		}
		seen[string(text)]++
	}
	end()
	if len(seen) < 3 {
		t.Errorf("the attack showed only %v", seen)
	}
}
