package scripthost

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Folder is a private folder of a host: no one but its user may enter it. A user who can connect to
// the socket in it can have requests answered in the name of any client.
type Folder string

// FolderFor creates the folder for a key, such as a file, below $XDG_RUNTIME_DIR or in the folder
// for temporary files. It refuses to use one that someone else may have prepared.
func FolderFor(key string) (Folder, error) {
	uid := os.Geteuid()
	base := os.Getenv("XDG_RUNTIME_DIR")
	if base == "" || private(base, uid) != nil {
		base = os.TempDir()
	}
	parent := filepath.Join(base, fmt.Sprintf("modgw-%d", uid))
	sum := sha256.Sum256([]byte(key))
	dir := filepath.Join(parent, hex.EncodeToString(sum[:6]))
	for _, d := range []string{parent, dir} {
		if err := ensure(d, uid); err != nil {
			return "", err
		}
	}
	return Folder(dir), nil
}

// ensure makes a private folder, or checks that it is one.
func ensure(dir string, uid int) error {
	switch err := os.Mkdir(dir, 0o700); {
	case err == nil:
		if err := os.Chmod(dir, 0o700); err != nil { // regardless of the umask
			return err
		}
	case !os.IsExist(err):
		return err
	}
	return private(dir, uid)
}

// private returns an error unless a folder belongs to the user and no one else has any right to it.
func private(dir string, uid int) error {
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	switch {
	case !info.IsDir():
		return fmt.Errorf("cannot use %q: it is no folder", dir)
	case !ok || int(owner.Uid) != uid:
		return fmt.Errorf("cannot use folder %q: it belongs to another user", dir)
	case info.Mode().Perm()&0o077 != 0:
		return fmt.Errorf("cannot use folder %q: others have rights to it (%s)", dir, info.Mode().Perm())
	}
	return nil
}

// Socket is where the host listens for FastCGI.
func (f Folder) Socket() string { return filepath.Join(string(f), "fcgi.sock") }

// Control is the path of the host's control socket.
func (f Folder) Control() string { return filepath.Join(string(f), "control.sock") }

// Log is the file that the host writes its log to.
func (f Folder) Log() string { return filepath.Join(string(f), "log") }

// State is the folder for environments where the user has no better one.
func (f Folder) State() string { return filepath.Join(string(f), "state") }

// lock takes a lock that goes with the process; release gives it back. It waits for others.
func (f Folder) lock(name string) (release func(), err error) {
	file, err := os.OpenFile(filepath.Join(string(f), name), os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX)
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			file.Close()
			return nil, err
		}
		return func() { file.Close() }, nil
	}
}

// lastLines is the end of the log from an offset on, for someone who wants to know why the host has
// ended.
func (f Folder) lastLines(offset int64) string {
	text, err := fs.ReadFile(os.DirFS(string(f)), "log")
	if err != nil {
		return ""
	}
	if offset <= int64(len(text)) { // else it has begun again
		text = text[offset:]
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-20):], "\n")
}
