package cgi

import (
	"testing"

	"github.com/modgw/modgw/modgw"
)

func TestMountIsWhereTheClientKnowsIt(t *testing.T) {
	for name, c := range map[string]struct{ script, info, uri, wantScript, wantMount string }{
		"a script":             {"/cgi-bin/app.cgi", "/x", "/cgi-bin/app.cgi/x?q", "/cgi-bin/app.cgi", "/cgi-bin/app.cgi"},
		"the script alone":     {"/app.cgi", "", "/app.cgi", "/app.cgi", "/app.cgi"},
		"rewritten":            {"/app.fcgi", "/x/y", "/x/y?q", "/app.fcgi", ""},
		"rewritten, in folder": {"/a/app.fcgi", "/x", "/a/x", "/a/app.fcgi", "/a"},
		"rewritten root":       {"/app.fcgi", "/", "/", "/app.fcgi", ""},
		"encoded":              {"/app.fcgi", "/a b", "/a%20b", "/app.fcgi", ""},
		"something else":       {"/app.fcgi", "/x", "/else", "/app.fcgi", "/app.fcgi"},
		"rewritten, slashes":   {"/app.fcgi", "/x", "//a//x", "/app.fcgi", "/a"},
		"rewritten, dots":      {"/app.fcgi", "/x", "/a/b/../%2e/x", "/app.fcgi", "/a"},
		"rewritten, NoDecode":  {"/app.fcgi", "/x%2Fy", "/a/x%2Fy", "/app.fcgi", "/a"},
		"slashes":              {"", "/x", "//x", "", ""},
		"dots":                 {"", "/x", "/a/%2e%2e/x", "", ""},
		"dots and a script":    {"/app", "/x", "/app/../app/x", "/app", "/app"},
		"none":                 {"", "/x", "/x", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			var b Builder
			for _, v := range [][2]string{{"REQUEST_METHOD", "GET"}, {"SCRIPT_NAME", c.script}, {"PATH_INFO", c.info}, {"REQUEST_URI", c.uri}} {
				b.Set(v[0], v[1])
			}
			r, err := b.Request(t.Context(), Options{})
			if err != nil {
				t.Fatal(err)
			}
			if info := modgw.RequestInfoOf(r); info.WebScript != c.wantScript || info.WebMount != c.wantMount {
				t.Errorf("script %q, mount %q; want %q, %q", info.WebScript, info.WebMount, c.wantScript, c.wantMount)
			}
		})
	}
}
