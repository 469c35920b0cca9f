package doctor

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/modgw/modgw/internal/webconf"
)

// checkServer implements traits.
func (h *httpd) checkServer() (found []Finding) {
	for _, check := range []func() []Finding{
		h.checkModules, h.checkProxies, h.checkMPM, h.checkRead, h.checkSockets, h.checkListen, h.checkNames, h.checkTLS,
	} {
		found = append(found, check()...)
	}
	return found
}

// loaded are the modules that the configuration loads, without "mod_"; nil when it loads none,
// because they are all compiled in or the files were read without their environment.
func (h *httpd) loaded() map[string]*webconf.Directive {
	loads := h.tree.Everywhere("LoadModule")
	if len(loads) == 0 {
		return nil
	}
	modules := map[string]*webconf.Directive{}
	for _, d := range loads {
		modules[strings.TrimSuffix(d.Arg(0), "_module")] = d
	}
	for _, name := range h.Modules {
		modules[name] = loads[0]
	}
	return modules
}

// protocolModules has the module of Apache for each protocol.
var protocolModules = map[string]string{
	"fastcgi": "proxy_fcgi", "http": "proxy_http", "uwsgi": "proxy_uwsgi", "scgi": "proxy_scgi",
}

func (h *httpd) checkModules() (found []Finding) {
	loaded := h.loaded()
	if loaded == nil {
		return nil
	}
	said := map[string]bool{}
	for _, s := range h.sites {
		for _, r := range s.routes {
			module := protocolModules[r.protocol]
			if !r.ours() || module == "" || loaded[module] != nil || said[module] {
				continue
			}
			said[module] = true
			found = append(found, h.lacking(module, r.at, loaded["proxy"]))
		}
		// Directives within <IfModule> produce no finding if the module is not loaded.
		if loaded["headers"] == nil && !said["headers"] && slices.ContainsFunc(s.routes, func(r *route) bool { return r.ours() && r.protocol == "http" }) {
			said["headers"] = true
			found = append(found, h.lacking("headers", s.routes[0].at, loaded["proxy"]))
		}
	}
	return found
}

// lacking returns the finding for a module that is not loaded. Its fix loads the module next to
// another one.
func (h *httpd) lacking(module string, at, beside *webconf.Directive) Finding {
	f := problem("MGW-DOC-045", "mod_"+module).at(at, "LoadModule")
	if beside == nil {
		return f
	}
	file := filepath.Join(filepath.Dir(beside.Arg(1)), "mod_"+module+".so")
	if _, err := os.Stat(h.path(file)); err != nil {
		f.Fix = "install the package with mod_" + module + ".so"
		return f
	}
	line := fmt.Sprintf("LoadModule %s_module %s", module, file)
	f.File, f.Line = beside.File, beside.Line
	if filepath.Base(filepath.Dir(beside.File)) == "mods-enabled" {
		f.Fix = "a2enmod " + module
		return f
	}
	return f.by(line, edit{file: beside.File, line: beside.End + 1, end: beside.End + 1, text: []string{line}})
}

func (h *httpd) checkProxies() (found []Finding) {
	for _, d := range h.tree.Everywhere("ProxyRequests") {
		if strings.EqualFold(d.Arg(0), "on") {
			found = append(found, problem("MGW-DOC-042").at(d, d.Name).by("ProxyRequests Off", replace(d, "ProxyRequests Off")))
		}
	}
	return found
}

func (h *httpd) checkMPM() (found []Finding) {
	loaded := h.loaded()
	prefork := loaded["mpm_prefork"]
	if prefork == nil {
		return nil
	}
	for name, d := range loaded {
		if strings.HasPrefix(name, "php") {
			f := problem("MGW-DOC-048").at(d, d.Name)
			f.Fix = "run PHP by php-fpm, and load mpm_event"
			return []Finding{f}
		}
	}
	f := problem("MGW-DOC-047").at(prefork, prefork.Name)
	f.Fix = "load mpm_event in place of mpm_prefork, and restart Apache"
	return []Finding{f}
}

// checkRead finds a time limit for bodies that does not grow as data arrives.
func (h *httpd) checkRead() (found []Finding) {
	for _, d := range h.tree.Everywhere("RequestReadTimeout") {
		for i, a := range d.Args {
			seconds, ok := strings.CutPrefix(strings.ToLower(a), "body=")
			if !ok || seconds == "0" || strings.Contains(strings.ToLower(a), "minrate") {
				continue
			}
			if n, err := strconv.Atoi(seconds); err != nil || n > 600 {
				continue
			}
			args := slices.Clone(d.Args)
			args[i] = "body=" + seconds + ",MinRate=500"
			line := d.Name + " " + strings.Join(args, " ")
			found = append(found, problem("MGW-DOC-043", seconds).at(d, d.Name).by(line, replace(d, line)))
		}
	}
	return found
}

// checkSockets finds Unix sockets that are written wrongly.
func (h *httpd) checkSockets() (found []Finding) {
	for d := range h.tree.All {
		if !d.Is("ProxyPass", "ProxyPassMatch", "BalancerMember", "SetHandler", "RewriteRule") {
			continue
		}
		for _, a := range d.Args {
			a = strings.TrimPrefix(a, "proxy:")
			rest, unix := strings.CutPrefix(a, "unix:")
			if !unix {
				continue
			}
			socket, url, has := strings.Cut(rest, "|")
			switch {
			case !has:
				name := plainName("app")
				if d.Is("ProxyPass") && strings.HasPrefix(d.Arg(0), "/") && len(d.Arg(0)) > 1 {
					name = notInName.ReplaceAllString(strings.ToLower(strings.Trim(d.Arg(0), "/")), "-") + ".modgw"
				}
				to := socket + "|fcgi://" + name + "/"
				found = append(found, problem("MGW-DOC-037").at(d, d.Name).by("unix:"+to, change(d, func(text string) string {
					return strings.Replace(text, socket, to, 1)
				})))
			case len(socket) > 107:
				found = append(found, problem("MGW-DOC-038", fmt.Sprintf("it has %d bytes, and at most 107 may be", len(socket))).at(d, d.Name))
			case !filepath.IsAbs(socket) && strings.Contains(url, "modgw"):
				found = append(found, problem("MGW-DOC-038", "it is relative to DefaultRuntimeDir").at(d, d.Name))
			}
		}
	}
	return found
}

// checkListen finds virtual hosts at ports on which Apache does not listen.
func (h *httpd) checkListen() (found []Finding) {
	ports := map[string]bool{}
	for _, d := range h.tree.Everywhere("Listen") {
		ports[portOf(listenAddress(d.Arg(0)))] = true
	}
	if len(ports) == 0 {
		return nil
	}
	for _, s := range h.sites {
		for _, a := range s.addresses {
			port := portOf(a)
			if port == "*" || ports[port] || s.at == nil || !s.isOurs() {
				continue
			}
			line := "Listen " + port
			found = append(found, problem("MGW-DOC-036", port).at(s.at, "Listen").by(line, insertBefore(s.at, line)))
			ports[port] = true
		}
	}
	return found
}

func portOf(address string) string {
	_, port, _ := strings.Cut(address[strings.LastIndex(address, "]")+1:], ":")
	return port
}

// checkTLS finds virtual hosts with a certificate that do not encrypt, and old protocols.
func (h *httpd) checkTLS() (found []Finding) {
	for _, s := range h.sites {
		if len(s.certs) == 0 || !s.isOurs() {
			continue
		}
		if !s.tls {
			f := problem("MGW-DOC-058").at(s.certs[0].at, "SSLEngine")
			if off := h.value(s, "/", nil, "SSLEngine"); off != nil && s.at != nil && off.Parent == s.at {
				found = append(found, f.at(off, off.Name).by("SSLEngine On", replace(off, "SSLEngine On")))
			} else {
				found = append(found, f.by("SSLEngine On", insertBefore(s.certs[0].at, "SSLEngine On")))
			}
		}
		if d := h.value(s, "/", nil, "SSLProtocol"); d != nil {
			if old := oldProtocols(d.Args); len(old) > 0 {
				const line = "SSLProtocol -all +TLSv1.2 +TLSv1.3"
				found = append(found, problem("MGW-DOC-057", strings.Join(old, ", ")).at(d, d.Name).by(line, replace(d, line)))
			}
		}
	}
	return found
}

// unsafeProtocols are the versions of TLS and SSL that RFC 8996 and RFC 7568 forbid.
var unsafeProtocols = []string{"SSLv2", "SSLv3", "TLSv1", "TLSv1.1"}

// oldProtocols returns the unsafe versions in a list, in which "-" removes one. "all" means the
// versions that the TLS library allows, and today's libraries exclude the unsafe ones.
func oldProtocols(list []string) (old []string) {
	on := map[string]bool{}
	for _, p := range list {
		name := strings.TrimLeft(p, "+-")
		for _, u := range unsafeProtocols {
			if strings.EqualFold(u, name) {
				on[u] = !strings.HasPrefix(p, "-")
			}
		}
	}
	for _, u := range unsafeProtocols {
		if on[u] {
			old = append(old, u)
		}
	}
	return old
}
