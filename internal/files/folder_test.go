package files

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/modgw/modgw/internal/account"
)

func TestOnlyRegularFilesOfTheFolderAreOpened(t *testing.T) {
	dir := t.TempDir()
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
	for name, want := range map[string]string{
		"sub/a": "a", "within": "a", "./sub//a": "a",
		"without": "", "absolute": "", "up/secret": "", "../secret": "", "sub/../../secret": "", "/sub/a": "",
		"pipe": "", "sub": "", "": "", "none": "", "sub/a/": "", "a\x00": "",
	} {
		file, err := Folder{Dir: public}.Open(name)
		if err != nil {
			if want != "" {
				t.Errorf("%q: %v", name, err)
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
	nobody, err := account.Lookup("nobody", "")
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("/tmp", "files")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := errors.Join(os.Chmod(dir, 0o755), os.WriteFile(filepath.Join(dir, "a"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	if file, err := (Folder{Dir: dir, User: nobody}).Open("a"); !errors.Is(err, os.ErrPermission) {
		t.Errorf("%v, %v", file, err)
	}
}
