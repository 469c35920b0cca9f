package doctor

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/modgw/modgw/apache"
	"github.com/modgw/modgw/export"
	"github.com/modgw/modgw/modgw"
)

// appsOf are the apps that a sound set-up is for.
var appsOf = map[string][]modgw.Descriptor{
	"apache http": chat, "apache two": twins, "apache tls": chat, "apache mount": mount, "nginx http": chat, "nginx tls": chat,
	"lighttpd http": chat, "haproxy http": chat,
}

// soundChanges are further sound set-ups, made from others.
var soundChanges = []row{
	{name: "SetEnvIf passes the credentials", base: "apache fastcgi", change: []string{
		"CGIPassAuth On", `SetEnvIf Authorization "(.+)" HTTP_AUTHORIZATION=$1`}},
	{name: "parameters in <Proxy>", base: "apache fastcgi", change: []string{
		"/\" flushpackets=auto flushwait=5 timeout=135", "/\"",
		"    ProxyPass", "    <Proxy \"unix:@FCGI@|fcgi://blog.modgw/\">\n        ProxySet flushpackets=on timeout=300\n    </Proxy>\n    ProxyPass"}},
	{name: "settings of the main server", base: "apache fastcgi", change: []string{
		" timeout=135", "", "<VirtualHost", "ProxyTimeout 300\nProxyErrorOverride Off\n<VirtualHost"}},
	{name: "names by ServerAlias", base: "apache fastcgi", change: []string{
		"ServerName www.example.com", "ServerName example.org\n    ServerAlias *.example.com"}},
	{name: "FastCGI over TCP", base: "apache fastcgi", change: []string{"unix:@FCGI@|fcgi://blog.modgw/", "fcgi://@FCGITCP@/"}},
	{name: "PHP beside", base: "apache fastcgi", change: []string{
		"    ProxyPass", "    ProxyPass \"/wiki\" \"fcgi://127.0.0.1:9/srv/wiki\"\n    ProxyPass"}},
	{name: "server_name with a dot", base: "nginx fastcgi", change: []string{"server_name www.example.com", "server_name .example.com"}},
	{name: "no limit for bodies", base: "nginx fastcgi", change: []string{"client_max_body_size 64m", "client_max_body_size 0"}},
}

func TestSoundSetUpsHaveNoFindings(t *testing.T) {
	b := newBench(t)
	servers := map[Kind]*webServer{}
	check := func(name string, kind Kind, apps []modgw.Descriptor, conf func(*webServer) string) {
		t.Helper()
		s := servers[kind]
		if s == nil {
			s = start(t, kind)
			servers[kind] = s
		}
		b.serve(apps)
		s.use(t, b.variables(s).Replace(conf(s)))
		for _, f := range examine(t, b.doctor(t, s)) {
			t.Errorf("%s: %s at %s: %s", name, f.Text(), f.Place(), f.Fix)
		}
	}
	count := 0
	for _, name := range slices.Sorted(maps.Keys(bases)) {
		count++
		check(name, Kind(strings.Fields(name)[0]), appsOf[name], func(*webServer) string { return bases[name] })
	}
	for _, r := range soundChanges {
		count++
		check(r.name, Kind(strings.Fields(r.base)[0]), appsOf[r.base], func(*webServer) string { return r.conf(t) })
	}
	both := []modgw.Descriptor{app("shop", modgw.KindStatic, "/shop"), app("blog", modgw.KindASGI, "/")}
	for _, only := range []string{"", "fastcgi", "http"} {
		listeners := slices.Clone(b.listeners[:2])
		if only != "" {
			listeners = slices.DeleteFunc(listeners, func(l modgw.Listener) bool { return l.Kind != only })
		}
		apps := both
		if only == "fastcgi" {
			apps = twins
		}
		count++
		check("generated for nginx "+only, Nginx, apps, func(s *webServer) string {
			return written(export.Nginx(apps, listeners, export.Options{Address: "127.0.0.1", Port: s.port}))(t)
		})
		if only == "http" {
			// over HTTP, Apache and lighttpd change encoded slashes unless other files contain
			// further settings
			continue
		}
		count += 2
		check("generated for Apache "+only, Apache, apps, func(s *webServer) string {
			return written(apache.Config(apps, listeners, apache.Options{Port: s.port}))(t)
		})
		check("generated for lighttpd "+only, Lighttpd, apps, func(*webServer) string {
			return written(export.Lighttpd(apps, listeners, export.Options{}))(t)
		})
	}
	if count < 20 {
		t.Errorf("%d set-ups", count)
	}
}

// written returns a configuration that must have been written without an error.
func written(text []byte, err error) func(*testing.T) string {
	return func(t *testing.T) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
}
