package apache

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/modgw/modgw/internal/account"
	"github.com/modgw/modgw/modgw"
)

// checkSocket looks whether a user can connect to a Unix socket: it must be able to write to it,
// and to enter all folders above it. Access control lists and SELinux are not looked at.
func checkSocket(a modgw.Address, name string) Finding {
	path := a.Target()
	who, err := account.Find(name)
	if err != nil {
		return Finding{Problem, fmt.Sprintf("Apache's user %q does not exist", name), ""}
	}
	dir, mode, err := who.FirstClosed(filepath.Dir(path), 0o1)
	switch {
	case err != nil:
		return Finding{Problem, fmt.Sprintf("there is no socket %s: %v", path, err), "start the host: modgw-host serve"}
	case dir != "":
		return Finding{Problem, fmt.Sprintf("Apache's user %s may not enter %s (%s), so it cannot reach %s", name, dir, mode, path),
			"chmod o+x " + dir}
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return Finding{Problem, fmt.Sprintf("there is no socket %s", path), "start the host: modgw-host serve"}
	case info.Mode()&fs.ModeSocket == 0:
		return Finding{Problem, fmt.Sprintf("%s is no socket", path), ""}
	case !who.May(info, 0o2):
		return Finding{Problem, fmt.Sprintf("Apache's user %s may not write to %s (%s)", name, path, info.Mode()),
			fmt.Sprintf(`say group = %q and mode = "0660" in the listen block of the host's file`, account.GroupName(who.GID))}
	case strings.HasPrefix(path, "/tmp/"), strings.HasPrefix(path, "/var/tmp/"):
		return Finding{Advice, fmt.Sprintf("%s is in a folder that systemd hides from Apache (PrivateTmp)", path), "put the socket into /run/modgw"}
	}
	return Finding{Good, fmt.Sprintf("Apache's user %s may connect to %s", name, path), ""}
}

// warnUnreachable logs why Apache cannot open the host's sockets, as [Check] finds it. It does not
// repeat the last reason.
func (s *Server) warnUnreachable() {
	s.mu.Lock()
	defer s.mu.Unlock()
	up, err := upstreamOf(s.config.Listeners, s.config.TrustedProxies)
	if err != nil {
		return
	}
	name, _ := Account()
	if os.Geteuid() != 0 {
		name = currentUser()
	}
	said := ""
	for _, a := range up.sockets() {
		f := checkSocket(a, name)
		if f.Level != Problem {
			continue
		}
		said += f.Text
		if !strings.Contains(s.unreachable, f.Text) {
			s.log.Error("apache cannot reach the host", "error", f.Text, "hint", f.Fix)
		}
	}
	s.unreachable = said
}
