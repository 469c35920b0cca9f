package httpd

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/modgw/modgw/internal/webconf"
	"github.com/modgw/modgw/loader/migrate"
)

// FuzzRead reads arbitrary configurations. The nodes contain all of the text, each directive has
// one entry, and nothing panics.
func FuzzRead(f *testing.F) {
	names, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range names {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range archive.Files {
			if !strings.HasPrefix(file.Name, "want/") {
				f.Add(string(file.Data))
			}
		}
	}
	for _, text := range []string{
		"<Macro M>\nUse M\n</Macro>\nUse M\n", "Include *\n", "A \\\n", "<", "</", "WSGIScriptAlias\nWSGIDaemonProcess\nWSGIProcessGroup\n",
		"<Macro>\n</Macro>\nUse\nDefine\nUnDefine\nLoadModule\nServerName\nAlias\nRedirect\n", "<VirtualHost>\n<If\n${", "WSGIScriptAlias / \"\n",
		"<Directory ~>\nWSGIProcessGroup %{ENV:\n</Directory>\nWSGIScriptAlias / /x\n", "WSGIScriptAliasMatch ( /x\nAliasMatch [ /y\n",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.ContainsRune(text, 0) || strings.Contains(text, "/") && len(text) > 4000 {
			return
		}
		nodes, _ := webconf.ParseHTTPD("f", text)
		if got := textOf(nodes); got != text {
			t.Fatalf("%q became %q", text, got)
		}
		path := filepath.Join(t.TempDir(), "httpd.conf")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		plan := migrate.Read([]string{path}, migrate.Options{Readers: []migrate.Reader{always{}}})
		for _, a := range plan.Apps {
			plan.Descriptor(a)
		}
		plan.Markdown()
	})
}

// always is a reader that is sure of every file.
type always struct{ Reader }

func (always) Recognise(migrate.Source) int { return 100 }

// textOf returns the text of nodes, including their children.
func textOf(nodes []*node) string {
	var b strings.Builder
	for _, n := range nodes {
		b.WriteString(n.Text + textOf(n.Children) + n.Closing)
	}
	return b.String()
}
