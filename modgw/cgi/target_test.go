package cgi

import (
	"strings"
	"testing"
)

// The rows of apache.md 4.1 and 4.6: how servers pass a request on, and our interpretation.
func TestPathRule(t *testing.T) {
	for _, c := range []struct {
		name                        string
		script, info, document, uri string
		query                       string
		path, raw                   string
	}{
		{"Apache ProxyPass", "/p1/foo/b ar%2Fbaz;q;v=1", "", "", "/p1/foo/b%20ar%2Fbaz%3Bq;v=1?x=1", "x=1", "/p1/foo/b ar%2Fbaz;q;v=1", "/p1/foo/b%20ar%2Fbaz%3Bq;v=1?x=1"},
		{"Apache pathinfo=unescape", "/p4", "/foo/b ar%2Fbaz;q;v=1", "", "/p4/foo/b%20ar%2Fbaz%3Bq;v=1", "", "/p4/foo/b ar%2Fbaz;q;v=1", "/p4/foo/b%20ar%2Fbaz%3Bq;v=1"},
		{"Apache SetHandler at /", "/foo", "/bar", "", "/foo/bar", "", "/foo/bar", "/foo/bar"},
		{"Apache SetHandler, file exists", "/real/x", "/y", "", "/real/x/y", "", "/real/x/y", "/real/x/y"},
		{"Apache root", "/", "", "", "/", "", "/", "/"},
		{"Apache AllowEncodedSlashes On", "/a/b", "", "", "/a%2Fb", "", "/a/b", "/a%2Fb"},
		{"Apache normalises", "/blog/c", "", "", "/blog//a//b/../../c", "", "/blog/c", "/blog//a//b/../../c"},
		{"Apache decodes dots", "/admin", "", "", "/blog/%2e%2e/admin", "", "/admin", "/blog/%2e%2e/admin"},
		{"MergeSlashes Off", "/a//b", "", "", "/a//b", "", "/a//b", "/a//b"},
		{"absolute form", "/blog/x", "", "", "http://evil.example/blog/x?a", "a", "/blog/x", "/blog/x?a"},
		{"absolute form without path", "/", "", "", "http://example.com", "", "/", "/"},
		{"RewriteRule [PT]", "/blog/page", "", "", "/old/page?a=b", "a=b", "/blog/page", "/blog/page?a=b"},
		{"rewritten with a space", "/blog/a b", "", "", "/old/a%20b", "", "/blog/a b", "/blog/a%20b"},
		{"encoded dots do not lead elsewhere", "/public", "", "", "/public/..%2fadmin", "", "/public", "/public"},
		{"high bytes", "/blog/Ã©/\xff", "", "", "/blog/%C3%83%C2%A9/%FF", "", "/blog/Ã©/\xff", "/blog/%C3%83%C2%A9/%FF"},
		{"newline", "/blog/a\nb", "", "", "/blog/a%0ab", "", "/blog/a\nb", "/blog/a%0ab"},
		{"nginx", "/blog/x y", "", "/blog/x y", "/blog/x%20y?q", "q", "/blog/x y", "/blog/x%20y?q"},
		{"nginx, no script", "", "", "/blog/x", "/blog/x", "", "/blog/x", "/blog/x"},
		{"lighttpd at a mount", "/blog", "/x", "", "/blog/x", "", "/blog/x", "/blog/x"},
		{"lighttpd at the root", "", "/x", "", "/x", "", "/x", "/x"},
		{"nothing but the target", "", "", "", "/a%20b?c", "c", "/a b", "/a%20b?c"},
		{"nothing at all", "", "", "", "", "", "/", "/"},
		{"OPTIONS *", "", "", "", "*", "", "/", "*"},
		{"control in the target", "/x", "", "", "/x?a b", "a b", "/x", "/x?a%20b"},
		{"broken escape", "/x%zz", "", "", "/x%zz", "", "/x%zz", "/x%25zz"},
		{"percent decoded once", "/a%20b", "", "", "/a%2520b", "", "/a%20b", "/a%2520b"},
		{"lower-case slash", "/a%2fb", "", "", "/a%2fb", "", "/a%2fb", "/a%2fb"},
	} {
		b := Builder{fields: fields{scriptName: c.script, hasScriptName: c.name[0] == 'l', pathInfo: c.info, documentURI: c.document, requestURI: c.uri, query: c.query}}
		got, err := b.target()
		if err != nil || got.Path != c.path || got.Raw != c.raw {
			t.Errorf("%s: %+v, %v; want %q %q", c.name, got, err, c.path, c.raw)
		}
	}
}

func TestPathThatIsNoneIsRefused(t *testing.T) {
	b := Builder{fields: fields{scriptName: "proxy:fcgi://x/", requestURI: "/x"}}
	if got, err := b.target(); err == nil {
		t.Errorf("got %+v", got)
	}
}

// P9, P10: for any input, the path is exactly as the server sent it, and the raw target leads to
// it.
func FuzzPathRule(f *testing.F) {
	for _, s := range []string{"", "/", "//", "/./", "/..", "/a%0ab", "/%00", "/ȺȺȺȺ", "/ẞ", "/e\u0301", "/\xc0\xaf", "*", "http://a/b", "a"} {
		f.Add(s, "", s)
		f.Add("/blog", s, "/blog"+s)
		f.Add("/", s, "/%2f%2e%2E"+s)
	}
	f.Fuzz(func(t *testing.T, script, info, uri string) {
		b := Builder{fields: fields{scriptName: script, hasScriptName: true, pathInfo: info, requestURI: uri}}
		target, err := b.target()
		if err != nil {
			if strings.HasPrefix(script+info, "/") {
				t.Fatalf("refused %q: %v", script+info, err)
			}
			return
		}
		if uri == "*" {
			return
		}
		if want := script + info; target.Path != want && !(want == "" && target.Path == "/") {
			t.Fatalf("path %q, the server said %q", target.Path, want)
		}
		raw, _ := splitTarget(target.Raw)
		if !leadsTo(raw, target.Path) && raw != EscapePath(target.Path) || !printable(target.Raw) {
			t.Fatalf("raw target %q does not lead to %q", target.Raw, target.Path)
		}
		if decoded, ok := unescape(EscapePath(target.Path), false); !ok || decoded != target.Path {
			t.Fatalf("EscapePath(%q) = %q", target.Path, EscapePath(target.Path))
		}
	})
}
