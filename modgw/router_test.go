package modgw

import "testing"

func TestRequestGoesToTheClosestHostAndTheLongestMount(t *testing.T) {
	apps := map[AppName]*App{}
	for _, d := range []Descriptor{
		{Name: "any", Mount: "/"},
		{Name: "any-blog", Mount: "/blog"},
		{Name: "any-wiki", Mount: "/wiki", MountMatch: "/[^/]+"},
		{Name: "any-pages", Mount: "/", MountMatch: `/.*\.md`},
		{Name: "shop", Mount: "/", Hosts: []string{"shop.example.com"}},
		{Name: "shop-admin", Mount: "/admin/panel", Hosts: []string{"shop.example.com", "admin.example.com"}},
		{Name: "wild", Mount: "/", Hosts: []string{"*.example.com"}},
		{Name: "deep", Mount: "/", Hosts: []string{"*.eu.example.com"}},
	} {
		apps[d.Name] = newApp(d, AppIdle)
	}
	table := newRoutes(apps)
	for _, c := range []struct {
		host, path string
		want       AppName
	}{
		{"localhost", "/", "any"},
		{"localhost", "/blog", "any-blog"},
		{"localhost", "/blog/", "any-blog"},
		{"localhost", "/blog/a/b", "any-blog"},
		{"localhost", "/blogx", "any"},
		{"localhost", "/wiki/one/x", "any-wiki"},
		{"localhost", "/wiki/one.md", "any-wiki"},
		{"localhost", "/wiki", "any"},
		{"localhost", "/x/one.md", "any-pages"},
		{"localhost", "/blog/one.md", "any-blog"},
		{"localhost", "/Blog", "any"},
		{"shop.example.com", "/", "shop"},
		{"SHOP.Example.com:8080", "/x", "shop"},
		{"shop.example.com.", "/x", "shop"},
		{"shop.example.com", "/admin/panel/x", "shop-admin"},
		{"shop.example.com", "/admin", "shop"},
		{"admin.example.com", "/admin/panel", "shop-admin"},
		{"admin.example.com", "/", "wild"},
		{"a.b.example.com", "/", "wild"},
		{"a.eu.example.com", "/", "deep"},
		{"a.b.eu.example.com", "/", "deep"},
		{"example.com", "/", "any"},
		{"[::1]:8000", "/", "any"},
		{"[::1]", "/blog", "any-blog"},
		{"", "/", "any"},
		{"localhost", "//blog", "any"},
		{"localhost", "/ȺȺȺ/blog", "any"},
		{"localhost", "*", ""},
		{"localhost", "", ""},
	} {
		got := AppName("")
		if here := table.find(c.host, c.path); here != nil {
			got = here.app.name
		}
		if got != c.want {
			t.Errorf("host %q, path %q: app %q, want %q", c.host, c.path, got, c.want)
		}
	}
}

func TestNoUsersAppAnswersForAHostOfAnotherUser(t *testing.T) {
	all := []Descriptor{
		{Name: "eve", Mount: "/", Owner: "eve"},
		{Name: "admin", Mount: "/status"},
		{Name: "bob", Mount: "/app", Owner: "bob", Hosts: []string{"b.test", "*.wild.test"}},
		{Name: "bobs-any", Mount: "/bob", Owner: "bob"},
		{Name: "panel", Mount: "/panel", Hosts: []string{"both.test"}},
		{Name: "own", Mount: "/own", Owner: "bob", Hosts: []string{"both.test"}},
	}
	apps := map[AppName]*App{}
	for _, d := range all {
		apps[d.Name] = newApp(d, AppIdle)
	}
	table := newRoutes(apps)
	for _, c := range []struct {
		host, path string
		want       AppName
	}{
		{"b.test", "/app", "bob"},
		{"b.test", "/login", ""},
		{"b.test", "/", ""},
		{"b.test", "/bob", "bobs-any"},
		{"b.test", "/status", "admin"},
		{"x.wild.test", "/login", ""},
		{"both.test", "/bob", ""},
		{"both.test", "/status", "admin"},
		{"other.test", "/login", "eve"},
	} {
		got := AppName("")
		if here := table.find(c.host, c.path); here != nil {
			got = here.app.name
		}
		if got != c.want {
			t.Errorf("host %q, path %q: app %q, want %q", c.host, c.path, got, c.want)
		}
	}
}

// TestUsersShareAHostOnlyWhereTheirMountsSaySo uses a host name in apps of two users, which are in
// the table in random order.
func TestUsersShareAHostOnlyWhereTheirMountsSaySo(t *testing.T) {
	apps := map[AppName]*App{}
	for _, d := range []Descriptor{
		{Name: "bob", Mount: "/bob", Owner: "bob", Hosts: []string{"both.test"}},
		{Name: "eve", Mount: "/eve", Owner: "eve", Hosts: []string{"both.test"}},
		{Name: "bobs-any", Mount: "/", Owner: "bob"},
	} {
		apps[d.Name] = newApp(d, AppIdle)
	}
	for range 50 {
		table := newRoutes(apps)
		if here := table.find("both.test", "/bob"); here == nil || here.app.name != "bob" {
			t.Fatal("an app does not answer for its own mount")
		}
		if here := table.find("both.test", "/else"); here != nil {
			t.Fatalf("app %q answers for a host that another user has, too", here.app.name)
		}
	}
}

func TestPathIsSplitAtTheMount(t *testing.T) {
	for _, c := range []struct {
		mount              MountPath
		path               string
		scriptName, pathIn string
		ok                 bool
	}{
		{"/", "/", "", "/", true},
		{"/", "/a//b", "", "/a//b", true},
		{"/blog", "/blog", "/blog", "", true},
		{"/blog", "/blog/", "/blog", "/", true},
		{"/blog", "/blog/a\xff", "/blog", "/a\xff", true},
		{"/blog", "/blogx", "", "", false},
		{"/blog", "/", "", "", false},
		{"/", "*", "", "*", false},
	} {
		scriptName, pathInfo, ok := c.mount.split(c.path)
		if ok != c.ok || ok && (scriptName != c.scriptName || pathInfo != c.pathIn) {
			t.Errorf("%q at %q: %q, %q, %v", c.path, c.mount, scriptName, pathInfo, ok)
		}
	}
}

func FuzzSplitLosesNothing(f *testing.F) {
	f.Add("/blog", "/blog/a")
	f.Add("/", "//")
	f.Fuzz(func(t *testing.T, mount, path string) {
		scriptName, pathInfo, ok := MountPath(mount).split(path)
		if ok && scriptName+pathInfo != path {
			t.Errorf("%q + %q is not %q", scriptName, pathInfo, path)
		}
	})
}
