package account

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func unprivileged(t *testing.T) *Account {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can act for another user")
	}
	a, err := Lookup("nobody", "")
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestRootIsRefusedByNameAndNumber(t *testing.T) {
	for _, name := range []string{"root", "0"} {
		if _, err := Lookup(name, ""); !errors.Is(err, ErrRoot) {
			t.Errorf("Lookup(%q) = %v, want ErrRoot", name, err)
		}
	}
	if _, err := Lookup("nobody", "root"); !errors.Is(err, ErrRoot) {
		t.Errorf("Lookup with group root = %v, want ErrRoot", err)
	}
}

func TestUnknownNamesAreNamed(t *testing.T) {
	if _, err := Lookup("no-such-user", ""); err == nil || err.Error() != `cannot find user "no-such-user"` {
		t.Errorf("unknown user: %v", err)
	}
	if _, err := Lookup("nobody", "no-such-group"); err == nil || err.Error() != `cannot find group "no-such-group"` {
		t.Errorf("unknown group: %v", err)
	}
}

func TestFilesOfOthersStayClosed(t *testing.T) {
	a := unprivileged(t)
	dir, err := os.MkdirTemp("", "account")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	secret, open := filepath.Join(dir, "secret"), filepath.Join(dir, "open")
	if err := os.WriteFile(secret, []byte("s"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(open, []byte("hello"), 0o644); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(secret, link); err != nil {
		t.Fatal(err)
	}
	read := func(name string, limit int64) (data []byte, err error) {
		err = a.Do(func() error {
			f, err := os.Open(name)
			if err != nil {
				return err
			}
			defer f.Close()
			data, err = ReadRegular(f, limit)
			return err
		})
		return data, err
	}
	for _, name := range []string{secret, link} {
		if _, err := read(name, 10); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("reading %q: %v, want permission denied", name, err)
		}
	}
	if data, err := read(open, 10); string(data) != "hello" || err != nil {
		t.Errorf("reading the open file: %q, %v", data, err)
	}
	if _, err := read(open, 4); err == nil {
		t.Error("a file over the limit was read")
	}
	if _, err := os.ReadFile(secret); err != nil {
		t.Errorf("this process lost its own rights: %v", err)
	}
}
