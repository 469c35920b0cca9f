package apache

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/modgw/modgw/internal/fronttest"
	"github.com/modgw/modgw/modgw"
)

// distribution installs a fake Apache, laid out as a distribution does it, with an apachectl that
// reports the given version and modules.
func distribution(t *testing.T, version string, modules ...string) (program string) {
	t.Helper()
	dir := filepath.Join(fronttest.Dir(t), "bin")
	for _, d := range []string{dir, filepath.Join(filepath.Dir(dir), "modules")} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, m := range []string{"proxy", "proxy_fcgi", "headers"} {
		if err := os.WriteFile(filepath.Join(filepath.Dir(dir), "modules", "mod_"+m+".so"), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	listing := ""
	for _, m := range modules {
		listing += " " + m + "_module (shared)\n"
	}
	script := fmt.Sprintf("#!/bin/sh\ncase $1 in\n-v) echo 'Server version: Apache/%s (Unix)';;\n-l) printf 'Compiled in modules:\\n  core.c\\n  mod_so.c\\n';;\n"+
		"-M) printf 'Loaded Modules:\\n%s';;\n-t) echo 'User: name=\"daemon\" id=1';;\nesac\n", version, strings.ReplaceAll(listing, "\n", "\\n"))
	program = filepath.Join(dir, "httpd")
	if err := os.WriteFile(program, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return program
}

func socket(t *testing.T, dirMode, mode os.FileMode) modgw.Listener {
	t.Helper()
	dir := fronttest.Dir(t)
	path := filepath.Join(dir, "f.sock")
	ln, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, dirMode); err != nil {
		t.Fatal(err)
	}
	return modgw.Listener{Kind: "fastcgi", Address: modgw.Address("unix:" + path)}
}

func TestCheckNamesWhatIsWrongAndHowToMendIt(t *testing.T) {
	all := []string{"core", "mpm_event", "alias", "authz_core", "env", "headers", "proxy", "proxy_fcgi"}
	blog := modgw.Descriptor{Name: "blog", Mount: "/", Kind: modgw.KindWSGI}
	chat := modgw.Descriptor{Name: "chat", Mount: "/", Kind: modgw.KindASGI}
	web := modgw.Listener{Kind: "http", Address: "unix:/run/none/http.sock"}
	tests := map[string]struct {
		version   string
		modules   []string
		app       modgw.Descriptor
		listeners []modgw.Listener
		level     Level
		text, fix string
	}{
		"a missing module": {"2.4.71", all[:6], blog, []modgw.Listener{socket(t, 0o755, 0o666)}, Problem,
			"modules are not loaded: proxy proxy_fcgi", "LoadModule proxy_module "},
		"a module that is not installed": {"2.4.71", []string{"proxy", "proxy_fcgi", "headers", "alias", "authz_core"}, blog, []modgw.Listener{socket(t, 0o755, 0o666)}, Problem,
			"modules are not loaded: env", "install mod_env"},
		"prefork": {"2.4.71", append([]string{"mpm_prefork"}, all...), blog, []modgw.Listener{socket(t, 0o755, 0o666)}, Advice,
			"the prefork MPM", "mpm_event"},
		"a closed socket": {"2.4.71", all, blog, []modgw.Listener{socket(t, 0o755, 0o660)}, Problem,
			"may not write to", `say group = "`},
		"a closed folder": {"2.4.71", all, blog, []modgw.Listener{socket(t, 0o700, 0o666)}, Problem,
			"may not enter", "chmod o+x "},
		"no socket": {"2.4.71", all, blog, []modgw.Listener{{Kind: "fastcgi", Address: "unix:/run/none/f.sock"}}, Problem,
			"there is no socket /run/none/f.sock", "modgw-host serve"},
		"an Apache that is too old for WebSockets": {"2.4.41", append([]string{"proxy_http", "rewrite"}, all...), chat, []modgw.Listener{socket(t, 0o755, 0o666), web}, Problem,
			"Apache 2.4.41: WebSockets cannot pass", "2.4.47"},
		"an Apache with a hole": {"2.4.50", all, blog, []modgw.Listener{socket(t, 0o755, 0o666)}, Problem,
			"CVE-2021-41773", "upgrade"},
		"all is well": {"2.4.71", all, blog, []modgw.Listener{{Kind: "fastcgi", Address: "127.0.0.1:9000"}}, Good,
			"all modules that the configuration needs", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			found, err := Check(t.Context(), CheckConfig{Program: distribution(t, tt.version, tt.modules...), Apps: []modgw.Descriptor{tt.app}, Listeners: tt.listeners})
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range found {
				if f.Level == tt.level && strings.Contains(f.Text, tt.text) && strings.Contains(f.Fix, tt.fix) {
					if tt.level == Problem && found[0].Level != Problem {
						t.Errorf("problems do not come first: %+v", found)
					}
					return
				}
			}
			t.Errorf("%s %q, %q is not in %+v", tt.level, tt.text, tt.fix, found)
		})
	}
}

func TestTheInstalledApacheIsFound(t *testing.T) {
	fronttest.Require(t, "apache2", "apache2")
	p, err := Find(context.Background(), "")
	if err != nil {
		t.Fatal(err)
	}
	if !p.has("proxy_fcgi") || !p.compiledIn("core") || p.before("2.4.10") {
		t.Errorf("%+v", p)
	}
	found, err := Check(t.Context(), CheckConfig{Apps: []modgw.Descriptor{{Name: "blog", Mount: "/"}}, Listeners: []modgw.Listener{socket(t, 0o755, 0o666)}})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		t.Logf("%s: %s: %s", f.Level, f.Text, f.Fix)
	}
}

func TestAProgramThatIsNoApacheIsRefused(t *testing.T) {
	_, err := Find(t.Context(), "/bin/true")
	if err == nil || !strings.HasPrefix(err.Error(), `cannot use "/bin/true" as Apache: it does not tell its version [MGW-APA-007]`) {
		t.Errorf("got %v", err)
	}
}
