package tests

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/modgw/modgw/internal/fronttest"
)

// door is a way to the app: a web server with the front that it uses.
type door struct {
	name string
	addr string
	web  *fronttest.Server // nil: no web server is in front of the host
}

// newTold returns a site with two apps, at / and /app, that answer with the request as they
// received it. It listens with every front.
func newTold(t *testing.T) *site {
	t.Helper()
	s := newSite(t)
	code, err := os.ReadFile("testdata/told.py")
	if err != nil {
		t.Fatal(err)
	}
	s.write("apps/told/told.py", string(code))
	s.write("apps/told/modgw.hcl", describe("told", "/")+describe("mounted", "/app"))
	if err := os.Mkdir(s.path("apps/told/marks"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(s.path("apps/told/marks"), 0o777); err != nil {
		t.Fatal(err)
	}
	all := ""
	for _, kind := range []string{"fastcgi", "http", "uwsgi", "scgi"} {
		listen := fmt.Sprintf("listen %q {\n  address = \"unix:%s\"\n  mode = \"0666\"\n}\n", kind, s.path(kind))
		s.write(kind+".hcl", "apps = [\"apps/*/modgw.hcl\"]\n"+listen)
		all += listen
	}
	// the site uses the address of the last listener
	s.write("modgw.hcl", "apps = [\"apps/*/modgw.hcl\"]\nstate = \"state\"\n"+all+"listen \"http\" { address = \"127.0.0.1:0\" }\n")
	s.start()
	s.writeScripts()
	return s
}

// describe returns the descriptor of an app that is called before the body of a request is
// complete, as under mod_wsgi.
func describe(name, mount string) string {
	return fmt.Sprintf(`
app %q {
  mount = %q
  wsgi {
    entry   = "told.py"
    workers = 1
    threads = 8
  }
  limits { body = "0" }
  spool { upload = "0" }
  reload { mode = "off" }
}
`, name, mount)
}

// generated returns the configuration that a command writes for a web server on a port. The host
// has only one kind of front.
func (s *site) generated(server, kind string, port int) string {
	s.t.Helper()
	return s.mustRun(server, "config", "-c", kind+".hcl", "--state", s.path("nowhere"), "--port", fmt.Sprint(port))
}

// doors starts the web servers, one process of each, and returns the ways that lead through them.
// The first is mod_wsgi, whose answers are the measure.
func (s *site) doors() []door {
	s.t.Helper()
	all := s.apacheDoors()
	all = append(all, door{name: "direct", addr: strings.TrimPrefix(s.url, "http://")})
	all = append(all, s.nginxDoors()...)
	all = append(all, s.lighttpdDoors()...)
	return append(all, s.haproxyDoor())
}

func (s *site) apacheDoors() []door {
	fronttest.Require(s.t, "apache2", "apache2")
	module := s.apacheModule("wsgi", "libapache2-mod-wsgi-py3")
	var conf strings.Builder
	var all []door
	open := func(name string, write func(port int) string) {
		port := fronttest.FreePort(s.t)
		fmt.Fprintf(&conf, "Listen 127.0.0.1:%d\n%s\n", port, write(port))
		all = append(all, door{name: name, addr: fmt.Sprintf("127.0.0.1:%d", port)})
	}
	host := func(port int, lines string) string {
		return fmt.Sprintf("<VirtualHost *:%d>\nAllowEncodedSlashes NoDecode\n<Location />\nCGIPassAuth On\n</Location>\n%s</VirtualHost>\n", port, lines)
	}
	script := s.path("apps/told/told.py")
	fmt.Fprintf(&conf, "LoadModule wsgi_module %s\nWSGISocketPrefix %s/wsgi\nWSGIDaemonProcess told processes=1 threads=8 home=%s\n"+
		"<Directory %s>\nRequire all granted\n</Directory>\n", module, s.dir, filepath.Dir(script), filepath.Dir(script))
	open("mod_wsgi", func(port int) string {
		return host(port, fmt.Sprintf("WSGIProcessGroup told\nWSGIApplicationGroup %%{GLOBAL}\nWSGIPassAuthorization On\nWSGIChunkedRequest On\n"+
			"WSGIScriptAlias /app %s\nWSGIScriptAlias / %s\n", script, script))
	})
	open("Apache, FastCGI", func(port int) string { return s.generated("apache", "fastcgi", port) })
	open("Apache, FastCGI without reuse", func(port int) string {
		return host(port, fmt.Sprintf("SetEnv ap_trust_cgilike_cl 1\nProxyPass / \"unix:%s|fcgi://once/\" flushpackets=on\n", s.path("fastcgi")))
	})
	open("Apache, HTTP", func(port int) string { return s.generated("apache", "http", port) })
	for _, kind := range []string{"uwsgi", "scgi"} {
		open("Apache, "+kind, func(port int) string {
			return host(port, fmt.Sprintf("SetEnv ap_trust_cgilike_cl 1\nProxyPass / \"unix:%s|%s://told/\" flushpackets=on\n", s.path(kind), kind))
		})
	}
	common, lines := s.apacheScripts()
	conf.WriteString(common)
	open("Apache, mod_fcgid", func(port int) string { return host(port, lines("fcgid-script", "fcgi")) })
	open("Apache, mod_cgid", func(port int) string { return host(port, lines("cgi-script", "cgi")) })
	web := fronttest.StartApache(s.t, conf.String())
	for i := range all {
		all[i].web = web
	}
	return all
}

// apacheModule returns the path of a module that is not always installed.
func (s *site) apacheModule(name, aptPackage string) string {
	s.t.Helper()
	path := "/usr/lib/apache2/modules/mod_" + name + ".so"
	if _, err := os.Stat(path); err != nil {
		message := fmt.Sprintf("mod_%s is not installed: apt install %s", name, aptPackage)
		if os.Getenv("CI") != "" {
			s.t.Fatal(message)
		}
		s.t.Skip(message)
	}
	return path
}

func (s *site) nginxDoors() []door {
	var conf strings.Builder
	var all []door
	first := 0
	for _, kind := range []string{"fastcgi", "http", "uwsgi", "scgi"} {
		port := fronttest.FreePort(s.t)
		if first == 0 {
			first = port
		}
		text := s.generated("nginx", kind, port)
		text = regexp.MustCompile(`(?m)^.*listen \[::\].*\n`).ReplaceAllString(text, "")
		conf.WriteString(strings.Replace(text, fmt.Sprintf("listen %d", port), fmt.Sprintf("listen 127.0.0.1:%d", port), 1))
		all = append(all, door{name: "nginx, " + title(kind), addr: fmt.Sprintf("127.0.0.1:%d", port)})
	}
	port := fronttest.FreePort(s.t)
	conf.WriteString(s.nginxScripts(port))
	all = append(all, door{name: "nginx, spawn-fcgi", addr: fmt.Sprintf("127.0.0.1:%d", port)})
	web := fronttest.StartNginxSites(s.t, first, conf.String())
	for i := range all {
		all[i].web = web
	}
	return all
}

func (s *site) lighttpdDoors() []door {
	var conf strings.Builder
	var all []door
	for _, kind := range []string{"fastcgi", "http", "uwsgi", "scgi"} {
		port := fronttest.FreePort(s.t)
		text := strings.ReplaceAll(s.generated("lighttpd", kind, port), "modgw_unsaid", "modgw_unsaid_"+kind)
		text = strings.NewReplacer(fmt.Sprintf(`":%d"`, port), fmt.Sprintf(`"127.0.0.1:%d"`, port), "[::]", "[::1]").Replace(text)
		conf.WriteString(text)
		all = append(all, door{name: "lighttpd, " + title(kind), addr: fmt.Sprintf("127.0.0.1:%d", port)})
	}
	port := fronttest.FreePort(s.t)
	conf.WriteString(s.lighttpdScripts(port))
	all = append(all, door{name: "lighttpd, bin-path", addr: fmt.Sprintf("127.0.0.1:%d", port)})
	web := fronttest.StartLighttpd(s.t, conf.String())
	for i := range all {
		all[i].web = web
	}
	return all
}

func (s *site) haproxyDoor() door {
	web := fronttest.StartHAProxy(s.t, fmt.Sprintf(`
fcgi-app told
  docroot /srv
  path-info ^(/)(.*)$
  pass-header authorization
  option keep-conn
  option get-values
  option mpxs-conns
backend app
  http-reuse always
  use-fcgi-app told
  server s unix@%s proto fcgi
`, s.path("fastcgi")))
	return door{"HAProxy, FastCGI", web.Addr, web}
}

// title returns the usual name of a kind of front.
func title(kind string) string {
	switch kind {
	case "fastcgi":
		return "FastCGI"
	case "http":
		return "HTTP"
	}
	return kind
}
