package reload_test

import (
	"slices"
	"testing"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/reload"
)

func TestTheInterestNamesWhatAnAppIsMadeFrom(t *testing.T) {
	tests := map[string]struct {
		d            modgw.Descriptor
		entry        []string
		dependencies []string
		glob         string
	}{
		"a WSGI file": {
			d:            modgw.Descriptor{Kind: modgw.KindWSGI, WSGI: &modgw.WSGI{Entry: "/srv/app.wsgi"}},
			entry:        []string{"/srv/app.wsgi"},
			dependencies: []string{"/srv/requirements.txt", "/srv/uv.lock"},
			glob:         "**/*.{py,wsgi,asgi,so}",
		},
		"an ASGI module": {
			d: modgw.Descriptor{Kind: modgw.KindASGI, ASGI: &modgw.ASGI{Entry: "blog.main:create()"},
				Python: modgw.Python{Path: []string{"/opt/lib[1]"}, Requirements: []string{"/etc/reqs.txt"}}},
			entry:        []string{"/srv/blog/main.py", "/srv/blog/main/__init__.py", "/opt/lib[1]/blog/main.py", "/opt/lib[1]/blog/main/__init__.py"},
			dependencies: []string{"/etc/reqs.txt"},
			glob:         `/opt/lib\[1\]/**/*.py`,
		},
		"a Go package": {
			d:            modgw.Descriptor{Kind: modgw.KindGo, Go: &modgw.Go{Package: "./cmd/shop"}},
			dependencies: []string{"/srv/go.mod", "/srv/go.sum"},
			glob:         "**/*.{go,s,c,h,gotmpl,gohtml,templ}",
		},
		"a Node program": {
			d:            modgw.Descriptor{Kind: modgw.KindHTTP, HTTP: &modgw.HTTP{Command: []string{"node", "--inspect", "server.js"}}},
			entry:        []string{"/srv/server.js"},
			dependencies: []string{"/srv/package-lock.json"},
			glob:         "**/templates/**",
		},
		"a program of Python": {
			d: modgw.Descriptor{Kind: modgw.KindHTTP, HTTP: &modgw.HTTP{Command: []string{"streamlit", "run", "app.py"}},
				Python: modgw.Python{Program: true, Path: []string{"/opt/lib"}}},
			entry:        []string{"/srv/run", "/srv/app.py"},
			dependencies: []string{"/srv/requirements.txt"},
			glob:         "/opt/lib/**/*.py",
		},
		"watched globs": {
			d: modgw.Descriptor{Kind: modgw.KindStatic, Static: &modgw.Static{}, Reload: modgw.Reload{Watch: []string{"conf/*"}}},

			glob: "conf/*",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tt.d.Root, tt.d.File, tt.d.EnvFile, tt.d.Sources = "/srv", "/etc/blog.hcl", "/etc/blog.env", []string{"/etc/key"}
			in := reload.Of(tt.d)
			if !slices.Equal(in.Descriptor, []string{"/etc/blog.hcl", "/etc/blog.env", "/etc/key"}) {
				t.Errorf("descriptor %q", in.Descriptor)
			}
			if !slices.Equal(in.Entry, tt.entry) {
				t.Errorf("entry %q", in.Entry)
			}
			for _, f := range tt.dependencies {
				if !slices.Contains(in.Dependencies, f) {
					t.Errorf("%s is not in %q", f, in.Dependencies)
				}
			}
			named := func(g reload.Glob) bool { return g.Pattern == tt.glob && g.Class == reload.Code }
			if !slices.ContainsFunc(in.Globs, named) {
				t.Errorf("%s is not in %v", tt.glob, in.Globs)
			}
		})
	}
}

func TestScriptsThatRunOncePerRequestNeedNoReload(t *testing.T) {
	in := reload.Of(modgw.Descriptor{Kind: modgw.KindCGI, CGI: &modgw.CGI{Dir: "/srv/cgi-bin"}, Root: "/srv"})
	if len(in.Globs) != 0 {
		t.Errorf("globs %v", in.Globs)
	}
}

func TestScriptsThatAreReadForEachRequestNeedNoReload(t *testing.T) {
	for name, f := range map[string]modgw.FastCGI{
		"PHP":                  {Command: []string{"php-cgi"}},
		"a folder of scripts":  {Command: []string{"./fcgiwrap"}, ScriptRoot: "/srv/scripts"},
		"another user's, too":  {Connect: "unix:/run/php/php-fpm.sock", ScriptRoot: "/srv"},
		"another user's alone": {Connect: "127.0.0.1:9000"},
	} {
		if in := reload.Of(modgw.Descriptor{Root: "/srv", Kind: modgw.KindFastCGI, FastCGI: &f}); len(in.Globs) > 0 {
			t.Errorf("%s: %v", name, in.Globs)
		}
	}
	f := modgw.FastCGI{Command: []string{"./app.pl"}}
	if in := reload.Of(modgw.Descriptor{Root: "/srv", Kind: modgw.KindFastCGI, FastCGI: &f}); len(in.Globs) == 0 {
		t.Error("a program of another kind is not watched")
	}
}

func TestScriptsThatRunAnewForEachRequestMakePagesOld(t *testing.T) {
	for want, d := range map[string]modgw.Descriptor{
		"**/*.php":          {Kind: modgw.KindFastCGI, FastCGI: &modgw.FastCGI{Command: []string{"php-cgi"}}},
		"public/**/*.php":   {Kind: modgw.KindFastCGI, FastCGI: &modgw.FastCGI{Command: []string{"php-cgi"}, ScriptRoot: "/srv/public"}},
		"/var/www/**/*.php": {Kind: modgw.KindFastCGI, FastCGI: &modgw.FastCGI{Connect: "unix:/run/php.sock", ScriptRoot: "/var/www"}},
		"cgi-bin/*":         {Kind: modgw.KindCGI, CGI: &modgw.CGI{Dir: "/srv/cgi-bin"}},
		"wiki.cgi":          {Kind: modgw.KindCGI, CGI: &modgw.CGI{Script: "/srv/wiki.cgi"}},
	} {
		d.Root = "/srv"
		if globs := reload.Assets(d); !slices.Contains(globs, reload.Glob{Pattern: want, Class: reload.Asset}) {
			t.Errorf("no %q in %v", want, globs)
		}
	}
}
