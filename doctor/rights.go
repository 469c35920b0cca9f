package doctor

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/modgw/modgw/internal/account"
	"github.com/modgw/modgw/internal/webconf"
)

// usualUsers are the users that web servers run as where their configuration names none.
var usualUsers = []string{"www-data", "apache", "nginx", "http", "lighttpd", "haproxy", "nobody"}

// account returns the account of a server's processes; nil when there is none, or it is root's.
func (s *server) account() *account.Account {
	names := append([]string{s.User, s.traits.user()}, usualUsers...)
	for _, name := range names {
		if name == "" || strings.HasPrefix(name, "${") {
			continue
		}
		if found, err := account.Lookup(strings.TrimPrefix(name, "#"), ""); err == nil {
			return found
		}
	}
	return nil
}

// checkRights finds sockets and folders that the users of the web servers cannot use.
func (d *Doctor) checkRights(servers []*server) (found []Finding) {
	for _, s := range servers {
		who := s.account()
		if who == nil {
			continue
		}
		seen := map[string]bool{}
		for _, site := range s.sites {
			for _, r := range site.routes {
				if r.ours() && r.target.Network() == "unix" && !seen[string(r.target)] {
					seen[string(r.target)] = true
					found = append(found, d.checkSocket(s, who, r)...)
				}
			}
		}
		for _, p := range s.places() {
			for _, a := range p.app.Aliases {
				if a.Dir == "" || seen[a.Dir] {
					continue
				}
				seen[a.Dir] = true
				if dir, _, _ := who.FirstClosed(a.Dir, 0o5); dir != "" {
					f := p.finding("MGW-DOC-063", who.Name, a.Dir)
					f.File = dir
					f.Fix = "chmod o+rx " + dir
					found = append(found, f)
				}
			}
		}
	}
	return found
}

// checkSocket returns the reasons why a user cannot connect to a Unix socket.
func (d *Doctor) checkSocket(s *server, who *account.Account, r *route) (found []Finding) {
	path := r.target.Target()
	if dir, _, _ := who.FirstClosed(filepath.Dir(path), 0o1); dir != "" {
		f := problem("MGW-DOC-060", who.Name, dir, path).at(r.at, r.at.Name)
		f.File, f.Line = dir, 0
		f.Fix = "chmod o+x " + dir
		return []Finding{f.permitting(dir, 0o1)}
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil // nothing listens there, which is another finding
	}
	if !who.May(info, 0o2) {
		f := problem("MGW-DOC-061", who.Name, path).at(r.at, `listen "`+r.protocol+`"`)
		f.File, f.Line = d.HostFile, 0
		group := account.GroupName(who.GID)
		f.Fix = fmt.Sprintf(`group = %q and mode = "0660" in the listen block`, group)
		found = append(found, f)
	}
	if strings.HasPrefix(path, "/tmp/") || strings.HasPrefix(path, "/var/tmp/") {
		if unit := d.privateUnit(s.Kind); unit != "" {
			f := problem("MGW-DOC-062", path).at(r.at, r.at.Name)
			f.File, f.Line, f.Directive = unit, 0, "PrivateTmp"
			f.Fix = `listen "` + r.protocol + `" { address = "unix:/run/modgw/modgw.sock" }`
			found = append(found, f)
		}
	}
	return found
}

// permitting lets Repair give others a right to a folder.
func (f Finding) permitting(dir string, bits fs.FileMode) Finding {
	if info, err := os.Stat(dir); err == nil {
		f.edits = []edit{{file: dir, mode: info.Mode().Perm() | bits}}
	}
	return f
}

// unitFolders are where systemd looks for units.
var unitFolders = []string{"/etc/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"}

// privateUnit returns the unit of a web server that has folders of its own for temporary files; ""
// when systemd does not run it, or it has none.
func (d *Doctor) privateUnit(kind Kind) string {
	if _, err := os.Stat(d.root + "/run/systemd/system"); err != nil {
		return ""
	}
	names := map[Kind][]string{
		Apache: {"apache2.service", "httpd.service"}, Nginx: {"nginx.service"},
		Lighttpd: {"lighttpd.service"}, HAProxy: {"haproxy.service"},
	}[kind]
	for _, dir := range unitFolders {
		for _, name := range names {
			text, err := os.ReadFile(filepath.Join(d.root, dir, name))
			if err == nil && strings.Contains(strings.ToLower(string(text)), "privatetmp=true") {
				return filepath.Join(dir, name)
			}
		}
	}
	return ""
}

// confinements are findings about SELinux and AppArmor, as far as the machine has them.
func (d *Doctor) confinements(servers []*server) (found []Finding) {
	enforcing, _ := os.ReadFile(d.root + "/sys/fs/selinux/enforce")
	allowed, err := os.ReadFile(d.root + "/sys/fs/selinux/booleans/httpd_can_network_connect")
	profiles, _ := os.ReadFile(d.root + "/sys/kernel/security/apparmor/profiles")
	for _, s := range servers {
		var at *webconf.Directive
		for _, site := range s.sites {
			for _, r := range site.routes {
				if !r.ours() {
					continue
				}
				at = r.at
				if strings.TrimSpace(string(enforcing)) == "1" && err == nil && strings.HasPrefix(string(allowed), "0") {
					f := problem("MGW-DOC-065").at(at, at.Name)
					f.Fix = "setsebool -P httpd_can_network_connect on"
					found = append(found, f)
				}
				program := filepath.Base(s.Program)
				if s.Program != "" && r.target.Network() == "unix" && strings.Contains(string(profiles), "/"+program+" (enforce)") {
					f := problem("MGW-DOC-066", program, r.target.Target()).at(at, at.Name)
					f.Fix = fmt.Sprintf("%s rw, in /etc/apparmor.d/local", r.target.Target())
					found = append(found, f)
				}
			}
		}
	}
	return found
}
