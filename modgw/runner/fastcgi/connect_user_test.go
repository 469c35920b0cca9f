package fastcgi

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/modgw/modgw/internal/account"
	"github.com/modgw/modgw/modgw"
)

// A host of root's could connect to every socket.
func TestSocketIsConnectedToWithTheRightsOfWhoWroteTheDescriptor(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root has more rights than another user")
	}
	dir, err := os.MkdirTemp("", "connect")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	path := filepath.Join(dir, "s")
	l, err := net.Listen("unix", path)
	if err == nil {
		err = errors.Join(os.Chmod(dir, 0o755), os.Chmod(path, 0o660), os.Chown(path, 61001, 61001))
	}
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, c := range []struct {
		user *account.Account
		want error
	}{
		{nil, nil}, {&account.Account{UID: 61001, GID: 61001}, nil}, {&account.Account{UID: 61002, GID: 61002}, os.ErrPermission},
	} {
		conn, err := connector(modgw.Address("unix:"+path), c.user)(t.Context())
		if !errors.Is(err, c.want) {
			t.Errorf("%+v: %v, want %v", c.user, err, c.want)
		}
		if err == nil {
			conn.Close()
		}
	}
}
