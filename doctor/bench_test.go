package doctor

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/modgw/modgw/internal/fronttest"
	"github.com/modgw/modgw/internal/watchtest"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/control"
	"github.com/modgw/modgw/modgw/front"
	"github.com/modgw/modgw/modgw/front/fcgi"
	fronthttp "github.com/modgw/modgw/modgw/front/http"
	"github.com/modgw/modgw/modgw/listen"
	"github.com/modgw/modgw/modgw/probe"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bench is a host with fake apps, behind real web servers. The host's fronts, its sockets and its
// answer to probes are real.
type bench struct {
	dir       string
	apps      atomic.Pointer[[]modgw.Descriptor]
	listeners []modgw.Listener
	proxies   []netip.Prefix
	answerer  *probe.Answerer

	certificates string // folder with certificates, good and bad
}

// newBench runs the host's fronts until the test ends: FastCGI and HTTP on Unix sockets, and both
// over TCP.
func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{dir: fronttest.Dir(t), proxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}
	b.answerer = probe.New(b.find)
	b.certificates = filepath.Join(b.dir, "certs")
	writeCertificates(t, b.certificates)
	if err := os.Mkdir(filepath.Join(b.dir, "static"), 0o755); err != nil {
		t.Fatal(err)
	}
	handler := b.answerer.Wrap(http.NotFoundHandler())
	common := front.Config{Handler: handler, Log: slog.New(slog.DiscardHandler), TrustedProxies: b.proxies}
	web := fronthttp.Config{Handler: handler, TrustedProxies: b.proxies, TrustUnix: true}
	ctx, cancel := context.WithCancel(context.Background())
	var ended []chan error
	for _, l := range []modgw.Listener{
		{Kind: "fastcgi", Address: modgw.Address("unix:" + b.dir + "/fcgi.sock"), Mode: 0o666},
		{Kind: "http", Address: modgw.Address("unix:" + b.dir + "/http.sock"), Mode: 0o666},
		{Kind: "fastcgi", Address: modgw.Address("127.0.0.1:" + strconv.Itoa(fronttest.FreePort(t)))},
		{Kind: "http", Address: modgw.Address("127.0.0.1:" + strconv.Itoa(fronttest.FreePort(t)))},
	} {
		ln, err := listen.Open(l)
		if err != nil {
			t.Fatal(err)
		}
		b.listeners = append(b.listeners, l)
		var server interface {
			Serve(context.Context, net.Listener) error
		} = fronthttp.New(web)
		if l.Kind == "fastcgi" {
			server = fcgi.New(fcgi.Config{Config: common})
		}
		done := make(chan error, 1)
		ended = append(ended, done)
		go func() { done <- server.Serve(ctx, ln) }()
	}
	t.Cleanup(func() {
		cancel()
		for _, done := range ended {
			<-done
		}
	})
	return b
}

// find routes as the gateway does: by the name, or by host and longest mount.
func (b *bench) find(r *http.Request) (modgw.AppName, modgw.MountPath) {
	info := modgw.RequestInfoOf(r)
	host, _, _ := strings.Cut(r.Host, ":")
	var found modgw.Descriptor
	for _, app := range *b.apps.Load() {
		if info.App != "" && info.App != app.Name || info.App == "" && !slices.Contains(app.Hosts, host) && len(app.Hosts) > 0 {
			continue
		}
		below := app.Mount == "/" || info.Path == string(app.Mount) || strings.HasPrefix(info.Path, string(app.Mount)+"/")
		if below && len(app.Mount) > len(found.Mount) {
			found = app
		}
	}
	return found.Name, found.Mount
}

// Status, ArmProbes, ProbeReport and ContinueProbe make the bench a Host.
func (b *bench) Status(context.Context) (control.Status, error) {
	return control.Status{PID: os.Getpid(), State: b.dir}, nil
}
func (b *bench) ArmProbes(_ context.Context, d time.Duration) (probe.Key, error) {
	return b.answerer.Arm(d), nil
}
func (b *bench) ProbeReport(_ context.Context, id string) (probe.Report, bool, error) {
	r, ok := b.answerer.Report(id)
	return r, ok, nil
}
func (b *bench) ContinueProbe(_ context.Context, id string) error {
	b.answerer.Continue(id)
	return nil
}

// app returns an app of a kind at a mount of www.example.com.
func app(name string, kind modgw.Kind, mount string) modgw.Descriptor {
	return modgw.Descriptor{
		Name: modgw.AppName(name), Kind: kind, Hosts: []string{"www.example.com"}, Mount: modgw.MountPath(mount),
		Timeouts: modgw.Timeouts{Request: time.Minute, Startup: time.Minute}, Queue: modgw.Queue{Timeout: 10 * time.Second},
		Limits: modgw.Limits{Body: 64 << 20},
	}
}

// defaultApps returns a static app at /.
func defaultApps() []modgw.Descriptor {
	return []modgw.Descriptor{app("blog", modgw.KindStatic, "/")}
}

// serve sets the apps of the bench; nil: the default ones.
func (b *bench) serve(apps []modgw.Descriptor) {
	if apps == nil {
		apps = defaultApps()
	}
	b.apps.Store(&apps)
}

// variables returns a replacer of the @NAME@ variables in the configurations of tests.
func (b *bench) variables(s *webServer) *strings.Replacer {
	return strings.NewReplacer(
		"@FCGI@", b.dir+"/fcgi.sock", "@HTTP@", b.dir+"/http.sock", "@DIR@", b.dir,
		"@FCGITCP@", string(b.listeners[2].Address), "@HTTPTCP@", string(b.listeners[3].Address),
		"@PORT@", strconv.Itoa(s.port), "@TLSPORT@", strconv.Itoa(s.tlsPort), "@CERTS@", b.certificates,
	)
}

// webServer is a running web server whose sites a test replaces.
type webServer struct {
	*fronttest.Server
	kind          Kind
	main          string // main file of its configuration
	sites         string // file with the sites
	program       string
	port, tlsPort int
	row           int // number of the configuration that is in force
}

// start runs a web server that has no site yet.
func start(t *testing.T, kind Kind) *webServer {
	t.Helper()
	dir := fronttest.Dir(t)
	s := &webServer{kind: kind, sites: filepath.Join(dir, "sites.conf"), tlsPort: fronttest.FreePort(t)}
	switch kind {
	case Apache:
		s.program = fronttest.Require(t, "apache2", "apache2")
		s.Server = fronttest.StartApache(t, "IncludeOptional "+dir+"/sites.con[f]\n")
		s.main = filepath.Join(s.Dir, "httpd.conf")
	case Nginx:
		s.program = fronttest.Require(t, "nginx", "nginx-light")
		s.port = fronttest.FreePort(t)
		s.Server = fronttest.StartNginxSites(t, s.port, fmt.Sprintf("server { listen 127.0.0.1:%d; server_name none.test; }\ninclude %s/sites.con[f];", s.port, dir))
		s.main = filepath.Join(s.Dir, "nginx.conf")
	case Lighttpd:
		s.program = fronttest.Require(t, "lighttpd", "lighttpd")
		s.Server = fronttest.StartLighttpd(t, "server.pid-file = \""+dir+"/pid\"\nserver.modules += ( \"mod_redirect\", \"mod_setenv\" )\ninclude \""+dir+"/sites.con[f]\"")
		s.main = filepath.Join(s.Dir, "lighttpd.conf")
	case HAProxy:
		s.program = fronttest.Require(t, "haproxy", "haproxy")
		s.Server = fronttest.StartHAProxy(t, "backend app\n  server none 127.0.0.1:9")
		s.main = filepath.Join(s.Dir, "haproxy.cfg")
		s.sites = s.main
	}
	_, port, _ := net.SplitHostPort(s.Addr)
	s.port, _ = strconv.Atoi(port)
	return s
}

// markers are settings by which a web server shows which configuration is active.
var markers = map[Kind]string{
	Apache:   "\n<VirtualHost *:%[2]d>\nServerName row.test\nRedirect 302 / http://row-%[1]d/\n</VirtualHost>\n",
	Nginx:    "\nserver { listen 127.0.0.1:%[2]d; server_name row.test; return 302 http://row-%[1]d/; }\n",
	Lighttpd: "\n$HTTP[\"host\"] == \"row.test\" { url.redirect = ( \"\" => \"http://row-%[1]d/\" ) }\n",
}

// whole returns a configuration together with its marker and the settings that the web server
// requires.
func (s *webServer) whole(t *testing.T, conf string) string {
	t.Helper()
	s.row++
	if s.kind != HAProxy {
		return conf + fmt.Sprintf(markers[s.kind], s.row, s.port)
	}
	s.write(t, filepath.Join(s.Dir, "pid"), strconv.Itoa(s.PID))
	return "global\n" + fronttest.WithoutAuthorities + fmt.Sprintf("\n  log stderr format raw local0 warning\n  pidfile %s/pid\ndefaults\n  mode http\n"+
		"  timeout connect 5s\n  timeout client 100s\nfrontend web\n  bind 127.0.0.1:%d\n"+
		"  http-request redirect location http://row-%d/ if { hdr(host) row.test }\n", s.Dir, s.port, s.row) + conf
}

// use makes the web server serve a configuration, and returns when it does.
func (s *webServer) use(t *testing.T, conf string) {
	t.Helper()
	s.write(t, s.sites, s.whole(t, conf))
	if err := (Server{Kind: s.kind, File: s.main, Program: s.program}).check(t.Context()); err != nil {
		t.Fatal(err)
	}
	old := children(s.PID)
	s.Reload(t)
	if len(old) > 0 {
		untilReplaced(t.Context(), s.PID, old)
	}
	transport := &http.Transport{DisableKeepAlives: true}
	client := &http.Client{Transport: transport, Timeout: 10 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	reloaded := time.Now()
	watchtest.Eventually(t, "the web server uses its configuration", func() bool {
		if time.Since(reloaded) > 2*time.Second { // HAProxy loses a signal while it replaces itself
			s.Reload(t)
			reloaded = time.Now()
		}
		r, err := http.NewRequest("GET", s.URL+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = "row.test"
		resp, err := client.Do(r)
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.Header.Get("Location") == fmt.Sprintf("http://row-%d/", s.row)
	})
}

func (s *webServer) write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// doctor makes a doctor for the bench behind a web server.
func (b *bench) doctor(t *testing.T, s *webServer) *Doctor {
	t.Helper()
	return New(Config{
		Apps: *b.apps.Load(), Listeners: b.listeners, TrustedProxies: b.proxies, HostFile: "/etc/modgw/modgw.hcl", Host: b,
		Servers: []Server{{Kind: s.kind, File: s.main, Program: s.program, Version: "2.4.71", Modules: []string{"core", "so", "http", "log_config"}}},
		Backups: filepath.Join(b.dir, "backups"),
	})
}
