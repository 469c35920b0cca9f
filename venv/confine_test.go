package venv

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/modgw/modgw/internal/sandbox"
	"github.com/modgw/modgw/modgw"
)

// TestBuildsReachTheirIndexAndWriteTheirFolders compares the rules of builds with descriptors.
func TestBuildsReachTheirIndexAndWriteTheirFolders(t *testing.T) {
	environ := []string{
		"PATH=/usr/bin", "PIP_INDEX_URL=https://user:secret@index.test:8443/simple", "PIP_FIND_LINKS=/srv/wheels file:///srv/more",
		"UV_INDEX=a=http://other.test/simple",
	}
	p := &plan{descriptor: modgw.Descriptor{Root: "/app", Sandbox: &modgw.Sandbox{
		Read: []string{"/srv/lib"}, Write: []string{"/app/var"}, Network: []modgw.Endpoint{{Host: "git.test", Port: 22}},
		Within: []string{"/app", "/srv"}, WithinWrite: []string{"/app"},
	}}, recipe: &pythonRecipe{interpreter: interpreter{Path: "/opt/other/bin/python3.11"}}}
	rules := p.confine("/opt/python/bin/python3", environ, "/state/envs/1", "/state/cache/0")
	grant := func(path string) *sandbox.Grant {
		for i, g := range rules.Grants {
			if g.Path == path {
				return &rules.Grants[i]
			}
		}
		return &sandbox.Grant{}
	}
	for path, write := range map[string]bool{
		"/usr": false, "/srv/wheels": false, "/srv/more": false, "/srv/lib": false, "/opt/python/bin/python3": false,
		"/opt/other/bin/python3.11": false, "/opt/other": false, // which uv runs
		"/app": true, "/app/var": true, "/state/envs/1": true, "/state/cache/0": true,
	} {
		if g := grant(path); g.Path == "" || g.Write != write {
			t.Errorf("%s: %+v", path, g)
		}
	}
	for _, path := range []string{"/srv/wheels", "/srv/lib", "/app", "/opt/python/bin/python3"} {
		if grant(path).Within == nil {
			t.Errorf("%s is not bounded", path)
		}
	}
	if rules.Network != sandbox.Listed || !slices.Equal(rules.Connect, []uint16{80, 443, 22, 8443}) {
		t.Errorf("network %d, ports %v", rules.Network, rules.Connect)
	}
	for _, free := range []*modgw.Sandbox{nil, {Learn: true}} {
		if p := (&plan{descriptor: modgw.Descriptor{Root: "/app", Sandbox: free}}); p.confine("/usr/bin/python3", environ) != nil {
			t.Errorf("%+v: the build is confined", free)
		}
	}
}

// TestEnvironmentOfTheHostIsReadWhereAnAppIsHeldToItsFolders checks the rules for interpreters of a
// tenant's apps.
func TestEnvironmentOfTheHostIsReadWhereAnAppIsHeldToItsFolders(t *testing.T) {
	b := &Builder{envs: "/state/envs"}
	bounded := &modgw.Sandbox{Within: []string{"/home/a"}}
	for path, want := range map[string]bool{
		"/state/envs/1/bin/python": true, "/home/a/venv/bin/python": false, "/state/envs/1/x/bin/python": false,
	} {
		prefix := filepath.Dir(filepath.Dir(path))
		got := slices.ContainsFunc(b.confineInterpreter(bounded, path).Grants, func(g sandbox.Grant) bool {
			return g.Path == prefix && g.Within == nil && !g.Write
		})
		if got != want {
			t.Errorf("%s is granted without bounds: %v", prefix, got)
		}
	}
}
