package account

import (
	"os"
	"path/filepath"
	"testing"
)

func TestFirstClosedIsTheTopmostFolder(t *testing.T) {
	dir, err := os.MkdirTemp("/tmp", "account-") // everyone may enter the folders above it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	closed := filepath.Join(dir, "closed")
	below := filepath.Join(closed, "below")
	if err := os.MkdirAll(below, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(closed, 0o610); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(closed)
	if err != nil {
		t.Fatal(err)
	}
	uid, gid := uint32(os.Getuid()), uint32(os.Getgid())
	stranger, member, owner := &Account{UID: uid + 1, GID: gid + 1}, &Account{UID: uid + 1, GID: gid + 1, Groups: []uint32{gid}}, &Account{UID: uid, GID: gid + 1}
	if uid != 0 && (!owner.May(info, 0o6) || owner.May(info, 0o1)) {
		t.Error("the owner has other rights than those of the mode")
	}
	if !member.May(info, 0o1) || member.May(info, 0o2) || stranger.May(info, 0o1) {
		t.Error("rights of the group and of others are not those of the mode")
	}
	for name, c := range map[string]struct {
		who  *Account
		path string
		bits os.FileMode
		want string
	}{
		"stranger": {stranger, below, 0o5, closed},
		"member":   {member, below, 0o5, ""},
		"itself":   {stranger, dir, 0o2, dir},
		"root":     {&Account{}, below, 0o7, ""},
	} {
		if got, _, err := c.who.FirstClosed(c.path, c.bits); got != c.want || err != nil {
			t.Errorf("%s: %q, %v; want %q", name, got, err, c.want)
		}
	}
	if _, _, err := stranger.FirstClosed(filepath.Join(dir, "none", "file"), 0o1); err == nil {
		t.Error("a path that is not there is no error")
	}
}
