package webconf

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
)

// outline formats a tree as text: a line for each directive, with its place.
func outline(dir string, list []*Directive, indent string) string {
	var b strings.Builder
	for _, d := range list {
		file, _ := filepath.Rel(dir, d.File)
		place := fmt.Sprintf("%s:%d", file, d.Line)
		if d.End != d.Line {
			place += fmt.Sprintf("-%d", d.End)
		}
		fmt.Fprintf(&b, "%s%s%q %s\n", indent, d.Name, d.Args, place)
		b.WriteString(outline(dir, d.Children, indent+"  "))
	}
	return b.String()
}

// unpack writes the files of an archive into a folder.
func unpack(t *testing.T, archive string) string {
	t.Helper()
	dir := t.TempDir()
	for _, f := range txtar.Parse([]byte(archive)).Files {
		name := filepath.Join(dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestHTTPDReadsIncludesConditionsAndMacros(t *testing.T) {
	dir := unpack(t, `
-- httpd.conf --
# a comment \
ServerName this.is.a.comment
Define HOST www.example.com
LoadModule proxy_module modules/mod_proxy.so
ServerName "${HOST}"
SetEnv UNKNOWN ${NOTHING}
<IfModule mod_proxy.c>
  ProxyPass "/a b" \
     'http://x/ "y"'   key=value
  <IfModule !proxy_fcgi_module>
    Here yes
  </IfModule>
</IfModule>
<IfModule mod_ssl.c>
  Gone yes
</IfModule>
<IfDefine HOST>
  Defined yes
</IfDefine>
<IfVersion >= 2.4.60>
  New yes
</IfVersion>
<IfVersion < 2.4>
  Old yes
</IfVersion>
<Macro Site $name $n>
  <VirtualHost *:80>
    ServerName $name.example.com
    DocumentRoot "/srv/$n"
  </VirtualHost>
</Macro>
Use Site blog 1
IncludeOptional sites/*.conf
IncludeOptional none/*.conf
Include sub
-- sites/b.conf --
<VirtualHost *:80>
  ServerName b
  <Location "/x y">
    Require all granted
  </Location>
</VirtualHost>
-- sites/.hidden.conf --
Hidden yes
-- sub/one --
One "say \"yes\""
`)
	tree, err := HTTPD{Version: "2.4.71"}.Read(filepath.Join(dir, "httpd.conf"))
	if err != nil {
		t.Fatal(err)
	}
	want := `Define["HOST" "www.example.com"] httpd.conf:3
LoadModule["proxy_module" "modules/mod_proxy.so"] httpd.conf:4
ServerName["www.example.com"] httpd.conf:5
SetEnv["UNKNOWN" "${NOTHING}"] httpd.conf:6
ProxyPass["/a b" "http://x/ \"y\"" "key=value"] httpd.conf:8-9
Here["yes"] httpd.conf:11
Defined["yes"] httpd.conf:18
New["yes"] httpd.conf:21
VirtualHost["*:80"] httpd.conf:27-30
  ServerName["blog.example.com"] httpd.conf:28
  DocumentRoot["/srv/1"] httpd.conf:29
VirtualHost["*:80"] sites/b.conf:1-6
  ServerName["b"] sites/b.conf:2
  Location["/x y"] sites/b.conf:3-5
    Require["all" "granted"] sites/b.conf:4
One["say \"yes\""] sub/one:1
`
	if diff := cmp.Diff(want, outline(dir, tree.Children, "")); diff != "" {
		t.Error(diff)
	}
	for _, d := range tree.Everywhere("servername") {
		if d.Arg(0) == "b" && (d.Parent == nil || d.Parent.Arg(0) != "*:80") {
			t.Errorf("%q stands in %v", d.Arg(0), d.Parent)
		}
	}
}

func TestReadersSayWhereAConfigurationIsBroken(t *testing.T) {
	httpd := func(f string) (*Tree, error) { return HTTPD{}.Read(f) }
	for _, c := range []struct {
		read func(string) (*Tree, error)
		text string
		line int
		want string
	}{
		{httpd, "A\n<Location /x>\nB\n", 2, "cannot find </Location>"},
		{httpd, "<Location /x>\n</Directory>", 2, "cannot find <Directory>"},
		{httpd, "</Location>", 1, "cannot find <Location>"},
		{httpd, "A\nUse Nothing", 2, "no macro"},
		{httpd, "<Macro M>\nUse M\n</Macro>\nUse M", 2, "uses itself"},
		{httpd, "Define EMPTY \"\"\n${EMPTY}", 2, "has no name"},
		{httpd, "<Macro \"\">\n</Macro>\nUse", 1, "has no name"},
		{httpd, "Include none.conf", 1, "cannot read"},
		{httpd, "Include conf", 0, "include each other"},
		{ReadNginx, "a b;\nserver {\n x y\n}", 4, "has no ;"},
		{ReadNginx, "server {\n x y;\n", 1, "has no end"},
		{ReadNginx, "a \"b\n;", 1, "has no end"},
		{ReadNginx, "}", 1, "ends no block"},
		{ReadNginx, "include conf;", 0, "include each other"},
		{ReadNginx, "\ninclude none;", 2, "cannot read"},
		{ReadLighttpd, "a = 1\n}\n", 2, "ends no block"},
		{ReadLighttpd, "\n$HTTP[\"host\"] == \"x\" {\n a = 1\n", 2, "has no end"},
		{ReadLighttpd, "a = (\"b\", 'c')", 1, "cannot read"},
		{ReadLighttpd, "include \"conf\"", 0, "include each other"},
		{ReadHAProxy, "global\n  log \"x\n", 2, "has no end"},
		{ReadHAProxy, "bind :80\n", 1, "in no section"},
	} {
		dir := unpack(t, "-- conf --\n"+c.text)
		_, err := c.read(filepath.Join(dir, "conf"))
		broken, ok := errors.AsType[*SyntaxError](err)
		if !ok || !strings.Contains(err.Error(), c.want) || broken.Line != c.line {
			t.Errorf("%q: %v, want line %d: %q", c.text, err, c.line, c.want)
		}
	}
}
