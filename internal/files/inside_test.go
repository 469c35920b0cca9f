package files

import "testing"

func TestPathsAreInsideByTheirNames(t *testing.T) {
	for _, c := range []struct {
		folder, path, rel string
		ok                bool
	}{
		{"/srv/a", "/srv/a", ".", true},
		{"/srv/a/", "/srv/a/b/c", "b/c", true},
		{"/", "/srv", "srv", true},
		{"/srv/a", "/srv/a/..b", "..b", true},
		{"a", "a/b", "b", true},
		{"/srv/a", "/srv/ab", "../ab", false},
		{"/srv/a", "/srv", "..", false},
		{"/srv/a", "/srv/a/../b", "../b", false},
		{"/srv/a", "b", "", false},
		{"", "/srv", "", false}, // an unset folder contains nothing
	} {
		rel, ok := Inside(c.folder, c.path)
		if rel != c.rel || ok != c.ok || InsideAny([]string{"/none", c.folder}, c.path) != c.ok {
			t.Errorf("%q in %q: %q, %t", c.path, c.folder, rel, ok)
		}
		want := c.path
		if c.ok {
			want = c.rel
		}
		if got := Relative(c.folder, c.path); got != want {
			t.Errorf("%q from %q: %q", c.path, c.folder, got)
		}
	}
}
