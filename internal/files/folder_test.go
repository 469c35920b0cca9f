package files

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/modgw/modgw/internal/account"
)

func TestOnlyRegularFilesOfTheFolderAreOpened(t *testing.T) {
	dir := openFolder(t)
	public := filepath.Join(dir, "public")
	err := errors.Join(
		os.MkdirAll(filepath.Join(public, "sub"), 0o755),
		os.WriteFile(filepath.Join(dir, "secret"), []byte("secret"), 0o644),
		os.WriteFile(filepath.Join(public, "sub/a"), []byte("a"), 0o644),
		os.Symlink("sub/a", filepath.Join(public, "within")),
		os.Symlink("../secret", filepath.Join(public, "without")),
		os.Symlink("..", filepath.Join(public, "up")),
		os.Symlink(filepath.Join(dir, "secret"), filepath.Join(public, "absolute")),
		syscall.Mkfifo(filepath.Join(public, "pipe"), 0o644),
	)
	if err != nil {
		t.Fatal(err)
	}
	users := []*account.Account{nil}
	if os.Getuid() == 0 {
		users = append(users, &account.Account{UID: 61001, GID: 61001})
	}
	for _, user := range users {
		onlyFilesOf(t, Folder{Dir: public, User: user})
	}
}

func onlyFilesOf(t *testing.T, folder Folder) {
	for name, want := range map[string]string{
		"sub/a": "a", "within": "a", "./sub//a": "a",
		"without": "", "absolute": "", "up/secret": "", "../secret": "", "sub/../../secret": "", "/sub/a": "",
		"pipe": "", "sub": "", "": "", "none": "", "sub/a/": "", "a\x00": "",
	} {
		file, err := folder.Open(name)
		if err != nil {
			if want != "" {
				t.Errorf("%q: %v", name, err)
			}
			out := strings.Contains(name, "..") || name == "without" || name == "absolute" || name == "up/secret"
			if out && !IsDenied(err) || !out && name != "/sub/a" && name != "" && IsDenied(err) {
				t.Errorf("%q: %v is said to be denied: %v", name, err, !out)
			}
			continue
		}
		text, _ := io.ReadAll(file)
		file.Close()
		if string(text) != want || want == "" {
			t.Errorf("%q: %q, want %q", name, text, want)
		}
	}
}

func TestFilesAreOpenedWithTheRightsOfTheUser(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can act for another user")
	}
	other, err := account.Lookup("nobody", "")
	if err != nil {
		t.Fatal(err)
	}
	dir := openFolder(t)
	if err := errors.Join(os.WriteFile(filepath.Join(dir, "a"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	if file, err := (Folder{Dir: dir, User: other}).Open("a"); !errors.Is(err, os.ErrPermission) {
		t.Errorf("%v, %v", file, err)
	}
}

// openFolder returns a folder that everyone may enter.
func openFolder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "files")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestRootOpensNothingForAUserThatTheUserCannotOpen(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can act for another user")
	}
	const user = 61001
	dir := openFolder(t)
	public, theirs := filepath.Join(dir, "public"), filepath.Join(dir, "public/theirs")
	err := errors.Join(
		os.MkdirAll(theirs, 0o755),
		os.WriteFile(filepath.Join(public, "roots"), []byte("roots"), 0o600),
		os.WriteFile(filepath.Join(dir, "secret"), []byte("secret"), 0o600),
		os.WriteFile(filepath.Join(theirs, "own"), []byte("own"), 0o600),
		os.Chown(filepath.Join(theirs, "own"), user, user),
		os.Symlink("../roots", filepath.Join(theirs, "link")),
		os.Chown(theirs, user, user),
		os.Symlink(dir, filepath.Join(theirs, "folder")),
	)
	if err != nil {
		t.Fatal(err)
	}
	for name, opens := range map[string]bool{"roots": true, "theirs/own": true, "theirs/link": false} {
		file, err := Folder{Dir: public}.Open(name)
		if err == nil && file.Info.Name() != filepath.Base(name) {
			t.Errorf("%s is called %q", name, file.Info.Name())
		}
		if opens != (err == nil) {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil {
			file.Close()
		}
	}
	// The folder itself can be the user's, too.
	if file, err := (Folder{Dir: filepath.Join(theirs, "folder")}).Open("secret"); !errors.Is(err, os.ErrPermission) {
		t.Errorf("%v, %v", file, err)
	}
	err = Folder{Dir: public}.Visit(func(root Root) error {
		if info, err := root.Stat("theirs/../roots"); err != nil || info.Size() != 5 {
			t.Errorf("%v, %v", info, err)
		}
		_, err := root.Stat("theirs/folder/secret")
		return err
	})
	if err == nil {
		t.Error("a link leads out of the folder")
	}
}

func TestFolderThatLeadsElsewhereIsNotVisited(t *testing.T) {
	dir := openFolder(t)
	own, other := filepath.Join(dir, "own"), filepath.Join(dir, "other")
	err := errors.Join(
		os.MkdirAll(filepath.Join(own, "public"), 0o755), os.MkdirAll(filepath.Join(other, "public"), 0o755),
		os.WriteFile(filepath.Join(own, "public/a"), []byte("a"), 0o644), os.WriteFile(filepath.Join(other, "public/a"), []byte("secret"), 0o644),
		os.Symlink("public", filepath.Join(own, "inside")), os.Symlink("../other/public", filepath.Join(own, "outside")),
	)
	if err != nil {
		t.Fatal(err)
	}
	for name, allowed := range map[string]bool{"public": true, "inside": true, "outside": false, "../other/public": false} {
		for _, within := range [][]string{nil, {own}} {
			file, err := Folder{Dir: filepath.Join(own, name), User: &account.Account{UID: uint32(os.Getuid()), GID: uint32(os.Getgid())}, Within: within}.Open("a")
			if (err == nil) != (allowed || within == nil) {
				t.Errorf("%s within %q: %v", name, within, err)
			}
			if err == nil {
				file.Close()
			} else if !errors.Is(err, os.ErrPermission) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}
