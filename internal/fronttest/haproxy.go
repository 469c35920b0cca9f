package fronttest

import (
	"fmt"
	"path/filepath"
	"syscall"
	"testing"
)

// WithoutAuthorities is the setting with which HAProxy does not read the certificates of the
// system's authorities for its own client, which takes most of its start.
const WithoutAuthorities = "  httpclient.ssl.verify none"

// StartHAProxy starts HAProxy with a frontend that uses "backend app", which conf must define.
func StartHAProxy(t testing.TB, conf string) *Server {
	t.Helper()
	haproxy := Require(t, "haproxy", "haproxy")
	dir := Dir(t)
	port := FreePort(t)
	file := filepath.Join(dir, "haproxy.cfg")
	write(t, file, lines(
		"global", "  log stderr format raw local0 warning", WithoutAuthorities,
		"defaults", "  mode http", "  timeout connect 5s", "  timeout client 20s", "  timeout server 20s",
		"frontend web",
		fmt.Sprintf("  bind 127.0.0.1:%d", port),
		"  default_backend app",
		conf,
	))
	return start(t, dir, port, syscall.SIGUSR2, haproxy, "-W", "-f", file)
}

// CheckHAProxy has HAProxy check conf, with default timeouts, and returns its output.
func CheckHAProxy(t testing.TB, conf string) string {
	t.Helper()
	file := filepath.Join(Dir(t), "haproxy.cfg")
	write(t, file, lines("global", WithoutAuthorities, "defaults", "  timeout connect 5s", "  timeout client 20s", "  timeout server 20s", conf))
	return output(t, Require(t, "haproxy", "haproxy"), "-c", "-f", file)
}
