package migrate

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/modgw/modgw/loader"
)

// wordReader reads a format with "app NAME ENTRY" lines, to test the common part of all readers.
type wordReader struct{}

func (wordReader) Name() string { return "words" }

func (wordReader) Recognise(s Source) int {
	if strings.HasPrefix(s.Text, "app ") {
		return 50
	}
	return 0
}

func (wordReader) Read(s Source, p *Plan) {
	for i, line := range s.Lines() {
		words := strings.Fields(line)
		if len(words) != 3 {
			continue
		}
		a := p.App(words[1], s.Place(i+1))
		a.Set("root", filepath.Dir(words[2]))
		a.Set("wsgi.entry", strings.ReplaceAll(words[2], "@STAGE@", p.Variable("STAGE", "@STAGE@", s.Place(i+1))))
		p.Add(s.Place(i+1), words[0], Translated, "app %q", a.Name)
	}
}

func TestPlanOfTwoSources(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "one.conf", "app blog /srv/blog/app.wsgi\napp blog /srv/@STAGE@/app.wsgi\n")
	write(t, dir, "two.conf", "# app shop /srv/shop/app.wsgi\n")
	write(t, dir, "three.conf", "<<<<<<< HEAD\napp x /srv/x/app.wsgi\n")
	write(t, dir, "four.conf", "no such format\n")
	p := Read([]string{
		filepath.Join(dir, "one.conf"), filepath.Join(dir, "two.conf"), filepath.Join(dir, "three.conf"),
		filepath.Join(dir, "four.conf"), filepath.Join(dir, "five.conf"),
	}, Options{Readers: []Reader{wordReader{}}})

	names := []string{}
	for _, a := range p.Apps {
		names = append(names, a.Name)
	}
	if diff := cmp.Diff([]string{"blog", "blog-2"}, names); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	var problems []string
	for _, problem := range p.Problems {
		problems = append(problems, strings.TrimPrefix(problem.String(), dir+"/"))
	}
	want := []string{
		`three.conf:1: cannot read a file with the conflict of a merge in it: "<<<<<<< HEAD"`,
		"four.conf: cannot tell what configuration this is",
		"five.conf: cannot read it: there is no such file",
	}
	if diff := cmp.Diff(want, problems); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	text := string(p.Descriptor(p.Apps[1]))
	if !strings.Contains(text, `variable "stage"`) || !strings.Contains(text, `"/srv/${var.stage}/app.wsgi"`) {
		t.Errorf("the variable is missing in\n%s", text)
	}
	_, diags := loader.LoadText(filepath.Join(dir, "blog-2.hcl"), []byte(text), loader.Options{
		Elsewhere: true, Vars: map[string]string{"stage": "production"},
	})
	if diags.HasErrors() {
		t.Errorf("%v in\n%s", diags.Err(), text)
	}
	if entries, err := json.Marshal(p.Entries[0]); err != nil || !strings.Contains(string(entries), `"became":"translated"`) {
		t.Errorf("an entry is %s, %v", entries, err)
	}
	if page := string(p.Markdown()); !strings.Contains(page, "| `var.stage` | `@STAGE@`") {
		t.Errorf("the page does not list the variable:\n%s", page)
	}
}

// TestNamesOfAppsAreThoseOfDescriptors derives names from texts in sources.
func TestNamesOfAppsAreThoseOfDescriptors(t *testing.T) {
	p := &Plan{}
	for text, want := range map[string]string{
		"shop": "shop", "Schöner Laden": "Sch-ner-Laden", "%{GLOBAL}": "GLOBAL", "": "app", "../../etc": "etc",
		strings.Repeat("x", 90): strings.Repeat("x", 56),
	} {
		if got := p.App(text, Place{}).Name; got != want {
			t.Errorf("%q became %q, and not %q", text, got, want)
		}
	}
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
