package fronttest

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// StartLighttpd starts lighttpd with conf after the port, the document root and mod_fastcgi.
func StartLighttpd(t testing.TB, conf string) *Server {
	t.Helper()
	lighttpd := Require(t, "lighttpd", "lighttpd")
	dir := Dir(t)
	port := FreePort(t)
	user := ""
	if os.Getuid() == 0 {
		user = "server.username = \"www-data\"\nserver.groupname = \"www-data\""
	}
	file := filepath.Join(dir, "lighttpd.conf")
	write(t, file, lines(
		`server.modules = ("mod_fastcgi", "mod_scgi", "mod_proxy")`,
		fmt.Sprintf("server.document-root = %q", dir),
		`server.bind = "127.0.0.1"`,
		fmt.Sprintf("server.port = %d", port),
		user,
		conf,
	))
	return start(t, dir, port, lighttpd, "-D", "-f", file)
}
