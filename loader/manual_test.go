package loader

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/modgw/modgw/internal/certtest"
	"github.com/modgw/modgw/modgw"
)

// elided is written in examples instead of settings that other examples show.
const elided = "# …"

// eachLine is written above an example whose lines are alternatives to each other.
const eachLine = "<!-- each line alone -->\n"

// examplePattern finds the examples of a page, with the mark above them.
var examplePattern = regexp.MustCompile("(?ms)^(" + eachLine + ")?^```hcl\n(.*?)^```$")

// examplePaths are the absolute paths of examples, which a test must not depend on.
var examplePaths = regexp.MustCompile(`"((?:unix:)?)(/(?:etc|opt|run|srv)/)`)

// exampleAccounts are the users and groups of examples, which this machine need not have.
var exampleAccounts = regexp.MustCompile(`(?m)^\s*(?:user|group)\s*=.*\n`)

// TestExamplesOfTheManualLoad loads every example of the manual exactly as it is printed, in a
// project with the files that the examples name. An example that is neither a descriptor nor a host
// file is the content of an app block.
func TestExamplesOfTheManualLoad(t *testing.T) {
	pages, err := filepath.Glob("../docs/*.md")
	if err != nil || len(pages) == 0 {
		t.Fatal(pages, err)
	}
	dir := manualProject(t)
	for _, page := range append(pages, "../README.md", "../troubleshooting.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range examplePattern.FindAllSubmatchIndex(text, -1) {
			line := strings.Count(string(text[:found[4]]), "\n") + 1
			examples := []string{string(text[found[4]:found[5]])}
			if found[2] >= 0 {
				examples = slices.Collect(strings.Lines(examples[0]))
			}
			for _, example := range examples {
				if problems := loadExample(t, dir, example); problems != "" {
					t.Errorf("%s:%d: %s", page, line, problems)
				}
			}
		}
	}
}

// manualProject makes the files that the manual's examples name and returns their folder.
func manualProject(t *testing.T) string {
	t.Helper()
	dir := testProject(t, map[string]string{
		".env":                   "KEY=value\n",
		"accounts/guard.py":      "",
		"accounts/wsgi.py":       "application = None\n",
		"archive/wsgi.py":        "application = None\n",
		"api/main.py":            "app = None\n",
		"blog.wsgi":              "application = None\n",
		"shop.wsgi":              "application = None\n",
		"etc/modgw/clients.pem":  "",
		"blog/settings.py":       "",
		"blog/wsgi.py":           "application = None\n",
		"cgi-bin/search":         "",
		"cmd/shop/main.go":       "package main\n",
		"counter.pl":             "",
		"etc/modgw/blog.key":     "secret",
		"etc/modgw/db.key":       "secret",
		"etc/modgw/index.token":  "secret",
		"go.mod":                 "module shop\n",
		"opt/python/bin/python3": "",
		"package.json":           "{}",
		"private/report.pdf":     "",
		"errors/broken.html":     "", "errors/busy.html": "",
		"public/index.php":          "",
		"server.js":                 "",
		"shop/wsgi.py":              "application = None\n",
		"srv/blog/.venv/pyvenv.cfg": "",
		"srv/blog/.venv/bin/python": "",
		"srv/api/api/main.py":       "app = None\n",
		"srv/shop/public/index.php": "",
		"srv/shop/shop.wsgi":        "application = None\n",
		"srv/shop/shop/wsgi.py":     "application = None\n",
		"srv/shop/static/site.css":  "",
		"srv/shop/venv/pyvenv.cfg":  "",
		"srv/shop/venv/bin/python":  "",
		"static/favicon.ico":        "",
		"wiki.cgi":                  "",
	})
	for certificate, key := range map[string]string{
		"etc/letsencrypt/live/example.com/fullchain.pem": "etc/letsencrypt/live/example.com/privkey.pem",
		"etc/ssl/example.pem":                            "etc/ssl/private/example.key",
		"etc/ssl/intern.pem":                             "etc/ssl/private/intern.key",
		"etc/ssl/shop.pem":                               "etc/ssl/private/shop.key",
	} {
		pair := certtest.New(t).Issue(t, t.TempDir(), "example.com")
		move(t, pair.File, filepath.Join(dir, certificate))
		move(t, pair.Key, filepath.Join(dir, key))
	}
	return dir
}

func move(t *testing.T, from, to string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

// loadExample returns the loader's complaints about an example, or "" if there are none.
func loadExample(t *testing.T, dir, example string) string {
	t.Helper()
	text := strings.ReplaceAll(example, elided, `wsgi { entry = "blog.wsgi" }`)
	text = examplePaths.ReplaceAllString(text, `"${1}`+dir+`${2}`)
	text = exampleAccounts.ReplaceAllString(text, "")
	body := newReport().parse([]byte(text), "example")
	if body == nil {
		return "it is no HCL:\n" + example
	}
	name := filepath.Join(dir, "modgw.hcl")
	if isHostExample(body) {
		write(t, name, text)
		_, _, diags := LoadHost(name, testOptions())
		return complaints(t, diags)
	}
	if len(blocksOf(body, "app")) == 0 {
		text = "app \"example\" {\n" + text + "}\n"
		if !hasKind(body) {
			text = strings.Replace(text, "{\n", "{\nwsgi { entry = \"blog.wsgi\" }\n", 1)
		}
	}
	write(t, name, text)
	_, diags := Load(name, testOptions())
	return complaints(t, diags)
}

func complaints(t *testing.T, diags Diagnostics) string {
	t.Helper()
	if !diags.HasErrors() {
		return ""
	}
	return rendered(t, diags)
}

// isHostExample reports whether body has an argument or a block that is only allowed in a host
// file.
func isHostExample(body *hclsyntax.Body) bool {
	host := hostBlock(new(modgw.HostFile))
	for name := range body.Attributes {
		if _, ok := host.argument(name); ok {
			return true
		}
	}
	for _, b := range body.Blocks {
		if _, ok := host.inner(b.Type); ok {
			return true
		}
	}
	return false
}

// hasKind reports whether one of the blocks of body determines the kind of the app.
func hasKind(body *hclsyntax.Body) bool {
	app := appBlock(new(modgw.Descriptor))
	return slices.ContainsFunc(body.Blocks, func(b *hclsyntax.Block) bool {
		in, ok := app.inner(b.Type)
		return ok && in.kind
	})
}
