package modgw

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestProcessEnvIsTheAppsAlone(t *testing.T) {
	t.Setenv("HOST_ONLY", "secret")
	t.Setenv("TZ", "Europe/Vienna")
	d := Descriptor{Env: map[string]string{"LANG": "de_AT.UTF-8", "A": "1=2"}}
	env := &Environment{Variables: []string{"PATH=/env/bin:/bin", "VIRTUAL_ENV=/env"}}
	want := []string{
		"A=1=2", "HOME=/home/blog", "LANG=de_AT.UTF-8", "PATH=/env/bin:/bin", "TZ=Europe/Vienna", "VIRTUAL_ENV=/env",
	}
	if diff := cmp.Diff(want, d.ProcessEnv(env, "/home/blog")); diff != "" {
		t.Error(diff)
	}
}

func TestProcessEnvWithoutEnvironment(t *testing.T) {
	t.Setenv("TZ", "UTC")
	want := []string{"HOME=/", "LANG=C.UTF-8", "PATH=/usr/local/bin:/usr/bin:/bin", "TZ=UTC"}
	if diff := cmp.Diff(want, Descriptor{}.ProcessEnv(nil, "/")); diff != "" {
		t.Error(diff)
	}
}

func TestProcessEnvOfAProgramOfPythonFindsTheModulesOfPath(t *testing.T) {
	d := Descriptor{Kind: KindHTTP, Root: "/srv/shop", Env: map[string]string{"PYTHONPATH": "/opt/own"},
		Python: Python{Program: true, Path: []string{"/srv/shop/lib"}}}
	if got := d.ProcessEnv(nil, "/"); !slices.Contains(got, "PYTHONPATH=/srv/shop/lib:/opt/own") {
		t.Errorf("%q", got)
	}
	if d.Env["PYTHONPATH"] != "/opt/own" {
		t.Errorf("the descriptor's own variable is %q now", d.Env["PYTHONPATH"])
	}
	d.Python.Program = false
	if got := d.ProcessEnv(nil, "/"); !slices.Contains(got, "PYTHONPATH=/opt/own") {
		t.Errorf("of another program: %q", got)
	}
}

func TestProcessEnvHasTheProjectsOwnPrograms(t *testing.T) {
	env := &Environment{Variables: []string{"PATH=/env/bin:/usr/bin:/bin"}}
	const own = "/srv/shop/node_modules/.bin:/srv/shop/.venv/bin:/srv/shop/venv/bin"
	for kind, want := range map[Kind]string{
		KindHTTP: "/env/bin:" + own + ":/usr/bin:/bin", KindGo: "/env/bin:" + own + ":/usr/bin:/bin", KindWSGI: "/env/bin:/usr/bin:/bin",
	} {
		d := Descriptor{Kind: kind, Root: "/srv/shop"}
		if got := d.ProcessEnv(env, "/"); !slices.Contains(got, "PATH="+want) {
			t.Errorf("%s: %q", kind, got)
		}
	}
}
