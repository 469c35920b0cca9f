package workers

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/modgw/modgw/internal/kernelaudit"
	"github.com/modgw/modgw/internal/proc"
	"github.com/modgw/modgw/internal/sandbox"
	"github.com/modgw/modgw/modgw"
)

// TestSandboxGrantsWhatAnAppNeeds compares the rules of apps with their descriptors.
func TestSandboxGrantsWhatAnAppNeeds(t *testing.T) {
	for name, c := range map[string]struct {
		sandbox     modgw.Sandbox
		read, write []string // granted
		without     []string // not granted at all
		network     sandbox.Network
		connect     []uint16
	}{
		"nothing is said": {
			read: []string{"/usr", "/etc", "/app", "/env", "/code", "/lib/own"}, write: []string{"/app", "/dev/null"},
			without: []string{"/", "/home", "/run", "/var"},
		},
		"folders": {
			sandbox: modgw.Sandbox{Read: []string{"/media"}, Write: []string{"/app/var"}},
			read:    []string{"/media", "/app"}, write: []string{"/app/var"},
		},
		"a database": {
			sandbox: modgw.Sandbox{Network: []modgw.Endpoint{{Host: "db", Port: 5432}}, Write: []string{}},
			read:    []string{"/app"}, network: sandbox.Listed, connect: []uint16{5432},
		},
		"the whole network": {
			sandbox: modgw.Sandbox{Network: []modgw.Endpoint{modgw.Anywhere}},
			read:    []string{"/app"}, network: sandbox.Open, connect: []uint16{0},
		},
	} {
		d := modgw.Descriptor{Kind: modgw.KindWSGI, Root: "/app", WSGI: &modgw.WSGI{Entry: "a:b"}, Sandbox: &c.sandbox}
		d.Python.Path = []string{"/lib/own"}
		s := NewSandbox(modgw.RunnerConfig{Descriptor: d, Environment: &modgw.Environment{Dir: "/env"}}, nil, "/code")
		rules, err := s.rules(nil, []uint16{8000})
		if err != nil {
			t.Fatal(err)
		}
		grants := func(path string, write bool) bool {
			return slices.ContainsFunc(rules.Grants, func(g sandbox.Grant) bool { return g.Path == path && (g.Write || !write) })
		}
		for _, path := range c.read {
			if !grants(path, false) {
				t.Errorf("%s: %q cannot be read", name, path)
			}
		}
		for _, path := range c.write {
			if !grants(path, true) {
				t.Errorf("%s: %q cannot be changed", name, path)
			}
		}
		for _, path := range c.without {
			if grants(path, false) {
				t.Errorf("%s: %q is granted", name, path)
			}
		}
		if c.sandbox.Write != nil && grants("/app", true) {
			t.Errorf("%s: the root can be changed", name)
		}
		if rules.Network != c.network || !slices.Equal(rules.Connect, c.connect) || !slices.Equal(rules.Listen, []uint16{8000}) {
			t.Errorf("%s: %+v", name, rules)
		}
	}
}

func TestMissingMeansAreNamed(t *testing.T) {
	d := modgw.Descriptor{Sandbox: &modgw.Sandbox{Network: []modgw.Endpoint{{Host: "db", Port: 5432}}}}
	for _, c := range []struct {
		means      sandbox.Means
		files      string
		network    string
		unconfined int
	}{
		{sandbox.Means{}, "none", "none", 4},
		{sandbox.Means{Landlock: 1, Filter: true}, "landlock 1", "none", 2},
		{sandbox.Means{Landlock: 4}, "landlock 4", "landlock 4, TCP ports alone", 2},
		{sandbox.Means{Landlock: 7, Filter: true}, "landlock 7", "landlock 7 and seccomp, ports at any address", 0},
		{sandbox.Means{Landlock: 6, Filter: true, Mounts: true}, "landlock 6", "landlock 6 and seccomp, ports at any address", 0},
	} {
		got := sandboxMeans(d, c.means, kernelaudit.All)
		if got["files"] != c.files || got["network"] != c.network {
			t.Errorf("%+v: %v", c.means, got)
		}
		if all := got["denials"] == "what programs print, and the kernel"; all != (c.means.Landlock >= 7) {
			t.Errorf("%+v: denials are found by %s", c.means, got["denials"])
		}
		if parts := Unconfined(c.means); len(parts) != c.unconfined {
			t.Errorf("%+v: %q", c.means, parts)
		}
	}
}

func TestDenialsThatCannotBeReadAreSaid(t *testing.T) {
	d := modgw.Descriptor{Sandbox: &modgw.Sandbox{}}
	means := sandbox.Means{Landlock: 7, Filter: true}
	for audit, want := range map[kernelaudit.Means]string{
		kernelaudit.Nothing: "does not report to this host", kernelaudit.Calls: "auditing is turned off",
		kernelaudit.Probably: "where auditing is turned on",
	} {
		if got := sandboxMeans(d, means, audit)["denials"]; !strings.Contains(got, want) {
			t.Errorf("%d: %q does not say %q", audit, got, want)
		}
	}
}

func TestWhatADescriptorNamesIsBoundedByTheCeiling(t *testing.T) {
	d := modgw.Descriptor{Root: "/home/a/app", CGI: &modgw.CGI{Dir: "/home/a/cgi"}, Sandbox: &modgw.Sandbox{
		Read: []string{"/home/a/r"}, Within: []string{"/home/a", "/srv"}, WithinWrite: []string{"/home/a"},
	}}
	d.Python.Venv = "/home/a/venv"
	s := NewSandbox(modgw.RunnerConfig{Descriptor: d, Environment: &modgw.Environment{Dir: "/home/a/venv"}}, nil)
	found := 0
	for _, g := range s.grants([]string{"/home/a/bin/program"}) {
		if !filepath.IsAbs(g.Path) || len(g.Path) < 5 || g.Path[:5] != "/home" {
			continue
		}
		found++
		want := d.Sandbox.Within
		if g.Write {
			want = d.Sandbox.WithinWrite
		}
		if !slices.Equal(g.Within, want) {
			t.Errorf("%+v is not bounded by %q", g, want)
		}
	}
	if found < 6 {
		t.Errorf("%d paths of the user's are granted", found)
	}
}

func TestTemporaryFilesHaveAFolderOfTheirOwn(t *testing.T) {
	private := filepath.Join(t.TempDir(), "private", "a")
	d := modgw.Descriptor{Root: t.TempDir(), Sandbox: &modgw.Sandbox{}}
	s := NewSandbox(modgw.RunnerConfig{Descriptor: d, Environment: &modgw.Environment{}, Private: private}, nil)
	for _, env := range [][]string{{"A=b"}, {"TMPDIR=/own"}} {
		spec := proc.Spec{Env: env}
		if err := s.Confine(&spec, nil); err != nil {
			t.Fatal(err)
		}
		tmp := filepath.Join(private, "tmp")
		info, err := os.Stat(tmp)
		if err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%v %v", info, err)
		}
		// The folders of tests lie in /tmp, so that this is not replaced.
		want := append(slices.Clone(env), "TMPDIR="+tmp)[:2:2]
		if env[0] != "A=b" {
			want = env
		}
		if !slices.Equal(spec.Env, want) || spec.Sandbox.Temporary != tmp {
			t.Errorf("%q %q", spec.Env, spec.Sandbox.Temporary)
		}
	}
}
