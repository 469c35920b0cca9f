package tests

import (
	"fmt"
	"net"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/modgw/modgw/internal/fronttest"
)

// pass opens a listening socket at an address, "unix:PATH" or HOST:PORT, and passes it to each host of the site under a name,
// as systemd would. It stays open until the test ends, whatever becomes of the hosts.
func (s *site) pass(name, address string) {
	s.t.Helper()
	network, target := "tcp", address
	if path, unix := strings.CutPrefix(address, "unix:"); unix {
		network, target = "unix", path
	}
	ln, err := net.Listen(network, target)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { ln.Close() })
	if network == "unix" {
		if err := os.Chmod(target, 0o666); err != nil {
			s.t.Fatal(err)
		}
	}
	file, err := ln.(interface{ File() (*os.File, error) }).File()
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { file.Close() })
	s.passed, s.names = append(s.passed, file), append(s.names, name)
	s.within = []string{"sh", "-c", fmt.Sprintf(`LISTEN_PID=$$ LISTEN_FDS=%d LISTEN_FDNAMES=%s exec "$@"`,
		len(s.passed), strings.Join(s.names, ":")), "sh"}
}

func TestPassedSocketSpeaksWhatItsNameOrItsListenBlockSays(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	known, unknown := s.path("known.sock"), s.path("unknown.sock")
	s.write("modgw.hcl", fmt.Sprintf(`
		apps  = ["apps/*/modgw.hcl"]
		state = "state"
		listen "fastcgi" { address = "unix:%s" }
	`, known))
	s.write("apps/docs/modgw.hcl", staticApp("one", ""))
	s.write("apps/docs/one/index.html", "first page")
	s.pass("modgw.socket", "unix:"+known)
	s.pass("modgw.socket", "unix:"+unknown)
	s.spawnUntil(regexp.MustCompile(`ready apps=1 failed=0 .*fastcgi=(\S+) .*http=`), nil, "serve", "-c", s.path("modgw.hcl"))
	if said := strings.Count(s.log.String(), "passed socket taken for HTTP"); said != 1 || !strings.Contains(s.log.String(), "unix:"+unknown) {
		t.Errorf("said %d times:\n%s", said, s.log)
	}
	nginx := fronttest.StartNginx(t, fmt.Sprintf(`
		location / { %s fastcgi_pass unix:%s; }
		location /http/ { proxy_pass http://unix:%s:/; }`, fronttest.FastCGIParams, known, unknown))
	for _, target := range []string{"/docs/", "/http/docs/"} {
		if status, body := get(t, nginx.URL+target); status != 200 || body != "first page" {
			t.Errorf("%s: %d %q", target, status, body)
		}
	}
}
