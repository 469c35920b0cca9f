package modgw

import "testing"

func TestMountMatchMovesTheBeginningOfAnApp(t *testing.T) {
	static := []Alias{{Path: "/static", Dir: "/srv/static"}, {Path: "/logo", File: "/srv/logo"}}
	for name, c := range map[string]struct {
		mount   MountPath
		match   string
		aliases []Alias
		want    map[string]string // by path: SCRIPT_NAME|PATH_INFO; "": it is not the app's
	}{
		"a segment below a mount": {"/trac", "/[^/]+", static, map[string]string{
			"/trac/one/wiki/Start": "/trac/one|/wiki/Start", "/trac/one": "/trac/one|", "/trac/one/": "/trac/one|/",
			"/trac": "", "/trac/": "", "/tracker/one": "", "/": "",
			"/trac/static/a.css": "/trac|/static/a.css", "/trac/logo": "/trac|/logo", "/trac/static": "/trac/static|",
		}},
		"languages": {"/", "/(en|de)", nil, map[string]string{
			"/en": "/en|", "/de/x": "/de|/x", "/deutsch": "", "/": "", "/fr/x": "",
		}},
		"files of one kind": {"/", `/.*\.md`, nil, map[string]string{
			"/a/b.md": "/a/b.md|", "/a.md/more": "/a.md|/more", "/a.mdx": "", "/a.html": "", "/xmd": "",
		}},
		"the longest of several": {"/", "/a(/b)?", nil, map[string]string{
			"/a/b/c": "/a/b|/c", "/a/bc": "/a|/bc", "/ab": "",
		}},
		"what cannot be compiled": {"/", "(", nil, map[string]string{"/": "", "/a": ""}},
	} {
		m := mountingOf(Descriptor{Mount: c.mount, MountMatch: c.match, Aliases: c.aliases})
		for path, want := range c.want {
			script, info, ok := m.split(path)
			if got := script + "|" + info; ok != (want != "") || ok && got != want {
				t.Errorf("%s: %q is %q, %t; want %q", name, path, got, ok, want)
			}
		}
	}
}
