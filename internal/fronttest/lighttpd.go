package fronttest

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// StartLighttpd starts lighttpd with conf after the port, the document root and mod_fastcgi.
func StartLighttpd(t testing.TB, conf string) *Server {
	t.Helper()
	dir, port := Dir(t), FreePort(t)
	return start(t, dir, port, syscall.SIGUSR1, Require(t, "lighttpd", "lighttpd"), "-D", "-f", lighttpdFile(t, dir, port, conf))
}

// CheckLighttpd has lighttpd check conf, and returns its output.
func CheckLighttpd(t testing.TB, conf string) string {
	t.Helper()
	return output(t, Require(t, "lighttpd", "lighttpd"), "-tt", "-f", lighttpdFile(t, Dir(t), FreePort(t), conf))
}

func lighttpdFile(t testing.TB, dir string, port int, conf string) string {
	t.Helper()
	user := ""
	if os.Getuid() == 0 {
		user = "server.username = \"www-data\"\nserver.groupname = \"www-data\""
	}
	uploads := filepath.Join(dir, "uploads")
	if err := os.Mkdir(uploads, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(uploads, 0o777); err != nil { // regardless of the umask
		t.Fatal(err)
	}
	file := filepath.Join(dir, "lighttpd.conf")
	write(t, file, lines(
		`server.modules = ("mod_indexfile", "mod_fastcgi", "mod_scgi", "mod_proxy")`,
		fmt.Sprintf("server.document-root = %q", dir),
		fmt.Sprintf("server.upload-dirs = ( %q )", uploads),
		`server.bind = "127.0.0.1"`,
		fmt.Sprintf("server.port = %d", port),
		user,
		conf,
	))
	return file
}
