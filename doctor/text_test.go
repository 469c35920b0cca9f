package doctor

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/modgw/modgw/internal/faulttest"
	"github.com/modgw/modgw/internal/fronttest"
	"github.com/modgw/modgw/internal/webconf"
	"github.com/modgw/modgw/modgw"
)

// examineText examines a main file of a web server that does not run.
func examineText(t *testing.T, kind Kind, conf string) []Finding {
	t.Helper()
	dir := fronttest.Dir(t)
	file := filepath.Join(dir, "main.conf")
	conf = strings.NewReplacer("@FCGI@", "/run/modgw/fcgi.sock", "@HTTP@", "/run/modgw/http.sock", "@PORT@", "80", "@DIR@", dir).Replace(conf)
	write(t, file, conf)
	d := New(Config{
		Apps: []modgw.Descriptor{app("blog", modgw.KindStatic, "/")}, Offline: true,
		Listeners: []modgw.Listener{
			{Kind: "fastcgi", Address: "unix:/run/modgw/fcgi.sock"}, {Kind: "http", Address: "unix:/run/modgw/http.sock"},
		},
		Servers: []Server{{Kind: kind, File: file}},
	})
	found, err := d.Examine(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestModulesAreExamined(t *testing.T) {
	load := func(names ...string) string {
		var b strings.Builder
		for _, name := range names {
			b.WriteString("LoadModule " + name + "_module /usr/lib/apache2/modules/mod_" + name + ".so\n")
		}
		return b.String()
	}
	f := want(t, examineText(t, Apache, load("proxy", "mpm_event")+bases["apache fastcgi"]), "MGW-DOC-045")
	if f.Line != 1 || f.Directive != "LoadModule" {
		t.Errorf("at %s", f.Place())
	}
	f = want(t, examineText(t, Apache, load("proxy", "proxy_fcgi", "mpm_prefork")+bases["apache fastcgi"]), "MGW-DOC-047")
	if f.Line != 3 {
		t.Errorf("at %s", f.Place())
	}
	php := "LoadModule php_module /usr/lib/apache2/modules/libphp8.2.so\n"
	want(t, examineText(t, Apache, load("proxy", "proxy_fcgi", "mpm_prefork")+php+bases["apache fastcgi"]), "MGW-DOC-048")
	found := examineText(t, Lighttpd, "server.modules = ( \"mod_setenv\" )\n"+bases["lighttpd fastcgi"])
	if f := want(t, found, "MGW-DOC-045"); f.Line != 1 || !f.Repairable() {
		t.Errorf("at %s", f.Place())
	}
}

func TestServerThatDoesNotListenIsNamed(t *testing.T) {
	b := newBench(t)
	b.serve(nil)
	file := filepath.Join(b.dir, "nginx.conf")
	s := &webServer{kind: Nginx, main: file, port: fronttest.FreePort(t)}
	write(t, file, "http {\n"+b.variables(s).Replace(bases["nginx fastcgi"])+"}\n")
	found, err := b.doctor(t, s).Examine(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want(t, found, "MGW-DOC-033")
}

// TestClientThatWaitsToContinueGetsNoAnswer uses a front server that only closes connections.
func TestClientThatWaitsToContinueGetsNoAnswer(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			conn.Close()
		}
	}()
	defer func() { ln.Close(); <-done }()
	b := newBench(t)
	blog := app("blog", modgw.KindStatic, "/")
	s := &server{doctor: New(Config{Host: b}), traits: &nginx{}}
	p := &prober{doctor: s.doctor, endpoint: endpoint{address: ln.Addr().String()}, place: &place{
		app: blog, site: &site{server: s}, route: &route{at: &webconf.Directive{Name: "fastcgi_pass"}},
	}}
	p.askContinue(t.Context())
	if len(p.verdicts) != 1 || p.verdicts[0].wrong == nil {
		t.Fatalf("verdicts: %v", p.verdicts)
	}
	faulttest.Want(t, p.verdicts[0].wrong.Text(), "MGW-DOC-020")
}

func TestEditsKeepOwnerModeAndOtherLines(t *testing.T) {
	dir := fronttest.Dir(t)
	file := filepath.Join(dir, "a.conf")
	write(t, file, "one\ntwo\nthree\n")
	if err := os.Chmod(file, 0o640); err != nil {
		t.Fatal(err)
	}
	before, err := apply([]edit{
		{file: file, line: 1, end: 1, text: []string{"zero"}}, {file: file, line: 2, end: 3}, {file: file, line: 4, end: 4, text: []string{"four"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	text, _ := os.ReadFile(file)
	info, _ := os.Stat(file)
	if string(text) != "zero\none\nthree\nfour\n" || info.Mode().Perm() != 0o640 {
		t.Errorf("%q, %v", text, info.Mode())
	}
	if err := restore(before); err != nil {
		t.Fatal(err)
	}
	if text, _ := os.ReadFile(file); string(text) != "one\ntwo\nthree\n" {
		t.Errorf("restored: %q", text)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("left behind: %v", entries)
	}
}

func TestFilesOfOtherUsersAreNotEdited(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can give files away")
	}
	const daemon = 1
	for what, prepare := range map[string]func(dir, file string) error{
		"a file":             func(_, file string) error { return os.Chown(file, daemon, daemon) },
		"a folder":           func(dir, _ string) error { return os.Chown(dir, daemon, daemon) },
		"a folder for all":   func(dir, _ string) error { return os.Chmod(dir, 0o777) },
		"a file for a group": func(_, file string) error { return os.Chown(file, 0, daemon) },
	} {
		dir := filepath.Join(fronttest.Dir(t), "site")
		file := filepath.Join(dir, "a.conf")
		write(t, file, "one\n")
		if err := os.Chmod(file, 0o664); err != nil {
			t.Fatal(err)
		}
		if err := prepare(dir, file); err != nil {
			t.Fatal(err)
		}
		_, err := apply([]edit{{file: file, line: 1, end: 1, text: []string{"zero"}}})
		if err == nil {
			t.Errorf("%s of another user was edited", what)
			continue
		}
		faulttest.Want(t, err.Error(), "MGW-DOC-090")
	}
}

func TestChangeThatTheWebServerRefusesIsUndone(t *testing.T) {
	b := newBench(t)
	s := start(t, Nginx)
	b.serve(nil)
	faulty := strings.Replace(bases["nginx fastcgi"], "        client_max_body_size 64m;\n", "", 1)
	s.use(t, b.variables(s).Replace(faulty))
	d := b.doctor(t, s)
	found := examine(t, d)
	real := want(t, found, "MGW-DOC-009")
	old, err := os.ReadFile(s.sites)
	if err != nil {
		t.Fatal(err)
	}
	for what, text := range map[string]string{"a mistake": "    nonsense on;", "what does not help": "    # nothing"} {
		f := real.by("x", edit{file: s.sites, line: 3, end: 3, text: []string{text}})
		_, err = d.try(t.Context(), found, f)
		if now, _ := os.ReadFile(s.sites); err == nil || string(now) != string(old) {
			t.Errorf("%s: %v, and the file is\n%s", what, err, now)
		}
		if what == "a mistake" {
			faulttest.Want(t, err.Error(), "MGW-DOC-092")
		}
	}
	kept, err := filepath.Glob(filepath.Join(b.dir, "backups", "*", "*"))
	if err != nil || len(kept) == 0 {
		t.Errorf("no backup: %v, %v", kept, err)
	}
}

func TestFaultsOfTheDoctorItself(t *testing.T) {
	faulttest.Want(t, NoServer().Error(), "MGW-DOC-091")
	faulttest.Want(t, notReloaded("/usr/sbin/nginx", os.ErrPermission).Error(), "MGW-DOC-093")
}

func TestHostThatClientsReachNeedsNoVirtualHost(t *testing.T) {
	file := filepath.Join(fronttest.Dir(t), "nginx.conf")
	write(t, file, "http {\n}\n")
	config := Config{
		Apps: []modgw.Descriptor{app("blog", modgw.KindStatic, "/")}, Offline: true, Servers: []Server{{Kind: Nginx, File: file}},
		Listeners: []modgw.Listener{{Kind: "http", Address: ":8000"}},
	}
	if found := examine(t, New(config)); found != nil {
		t.Errorf("without a web server in front: %v", found)
	}
	config.Listeners = []modgw.Listener{{Kind: "fastcgi", Address: "unix:/run/modgw/modgw.sock"}}
	want(t, examine(t, New(config)), "MGW-DOC-030")
}
