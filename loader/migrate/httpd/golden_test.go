package httpd

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/modgw/modgw/loader"
	"github.com/modgw/modgw/loader/migrate"
)

var update = flag.Bool("update", false, "write what the tests found to their golden files")

// TestGolden migrates the archives in testdata. The first line of an archive names the sources. Its
// files are the files of a machine: "/srv/blog" in them is the folder srv/blog of the archive. The
// files below want/ are the descriptors, the new configuration, the report and the problems.
func TestGolden(t *testing.T) {
	for _, name := range archives(t) {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			got := wantOf(run(t, archive))
			var inputs, want []txtar.File
			for _, f := range archive.Files {
				if strings.HasPrefix(f.Name, "want/") {
					want = append(want, f)
				} else {
					inputs = append(inputs, f)
				}
			}
			if *update {
				archive.Files = append(inputs, got...)
				if err := os.WriteFile(name, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			format := func(files []txtar.File) string { return string(txtar.Format(&txtar.Archive{Files: files})) }
			if diff := cmp.Diff(format(want), format(got)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func archives(t *testing.T) []string {
	names, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatal("no archives", err)
	}
	return names
}

// result is a migrated archive.
type result struct {
	dir  string
	plan *migrate.Plan
}

// onMachine matches the beginning of an absolute path of a machine in a configuration.
var onMachine = regexp.MustCompile(`(^|[\s"'=:(])/(srv|etc|home|opt|var/www|data)\b`)

// run migrates the sources of an archive.
func run(t *testing.T, archive *txtar.Archive) result {
	t.Helper()
	dir := t.TempDir()
	for _, f := range archive.Files {
		if strings.HasPrefix(f.Name, "want/") {
			continue
		}
		path := filepath.Join(dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		text := string(f.Data)
		for range 2 { // matches do not overlap
			text = onMachine.ReplaceAllString(text, "${1}"+dir+"/$2")
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	first, _, _ := strings.Cut(string(archive.Comment), "\n")
	var sources []string
	for _, s := range strings.Fields(first) {
		sources = append(sources, filepath.Join(dir, s))
	}
	return result{dir, migrate.Read(sources, migrate.Options{Readers: []migrate.Reader{Reader{}}})}
}

// wantOf returns all results of a migration as files.
func wantOf(r result) (files []txtar.File) {
	add := func(name, text string) {
		if text != "" {
			files = append(files, txtar.File{Name: "want/" + name, Data: []byte(strings.ReplaceAll(text, r.dir, ""))})
		}
	}
	for _, a := range r.plan.Apps {
		add("apps-enabled/"+a.FileName(), string(r.plan.Descriptor(a)))
	}
	for _, f := range r.plan.Web {
		var b strings.Builder
		for _, p := range f.Parts {
			b.WriteString(p.Text)
			if p.Insert != nil {
				fmt.Fprintf(&b, "%s(directives of %s)\n", p.Insert.Indent, strings.Join(p.Insert.Apps, ", "))
			}
		}
		add(f.Server+"/"+f.Name, b.String())
	}
	var b strings.Builder
	for _, e := range r.plan.Entries {
		if e.Became == migrate.Translated && e.Reason == "stays in Apache's configuration as it is" {
			continue // most directives
		}
		fmt.Fprintf(&b, "%s:%d %s: %s: %s\n", filepath.Base(e.File), e.Line, e.Directive, e.Became, e.Reason)
	}
	add("report", b.String())
	b.Reset()
	for _, p := range r.plan.Problems {
		fmt.Fprintln(&b, p)
	}
	add("problems", b.String())
	add("notes", strings.Join(r.plan.Notes, "\n"))
	return files
}

// TestEveryDescriptorLoads loads the descriptors that the archives become.
func TestEveryDescriptorLoads(t *testing.T) {
	for _, name := range archives(t) {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		r := run(t, archive)
		vars := map[string]string{}
		for _, v := range r.plan.Variables() {
			vars[v.Name] = "value-" + strings.ReplaceAll(v.Name, "_", "-")
			if v.Number {
				vars[v.Name] = "3"
			}
		}
		texts := map[string][]byte{}
		for _, a := range r.plan.Apps {
			texts[filepath.Join(r.dir, "apps-enabled", a.FileName())] = r.plan.Descriptor(a)
		}
		if _, diags := loader.LoadTexts(texts, loader.Options{Elsewhere: true, Vars: vars}); diags.HasErrors() {
			t.Errorf("%s: %v", name, diags.Err())
		}
	}
}

// TestEveryDirectiveHasOneEntry counts the directives of the archives independently of the parser,
// and looks up the entry of each.
func TestEveryDirectiveHasOneEntry(t *testing.T) {
	for _, name := range archives(t) {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		r := run(t, archive)
		entries := map[string]int{}
		refused := map[string]bool{}
		for _, e := range r.plan.Entries {
			refused[e.File] = refused[e.File] || e.Directive == "template"
			if !strings.Contains(e.Directive, " ") {
				entries[fmt.Sprintf("%s:%d %s", e.File, e.Line, e.Directive)]++
			} else if entries[fmt.Sprintf("%s:%d %s", e.File, e.Line, e.Directive)]++; entries[fmt.Sprintf("%s:%d %s", e.File, e.Line, e.Directive)] > 1 {
				t.Errorf("%s: %+v is there more than once", name, e)
			}
		}
		for _, f := range r.plan.Web {
			if refused[f.Source] {
				continue
			}
			text, err := os.ReadFile(f.Source)
			if err != nil {
				t.Fatal(err)
			}
			for place, count := range directivesIn(string(text)) {
				key := f.Source + ":" + place
				if entries[key] != count {
					t.Errorf("%s: %s has %d entries, and not %d", name, strings.TrimPrefix(key, r.dir), entries[key], count)
				}
			}
		}
	}
}

// directivesIn returns the directives and sections of a configuration as "LINE NAME".
func directivesIn(text string) map[string]int {
	found := map[string]int{}
	joined := regexp.MustCompile(`\\\n`).ReplaceAllString(text, "\\\x00")
	line := 1
	for _, logical := range strings.Split(joined, "\n") {
		words := strings.Fields(strings.ReplaceAll(logical, "\\\x00", " "))
		switch {
		case len(words) == 0 || strings.HasPrefix(words[0], "#") || strings.HasPrefix(words[0], "{#") || strings.HasPrefix(words[0], "</"):
		case strings.HasPrefix(words[0], "<"):
			found[fmt.Sprintf("%d <%s>", line, strings.Trim(words[0], "<>"))]++
		default:
			found[fmt.Sprintf("%d %s", line, words[0])]++
		}
		line += 1 + strings.Count(logical, "\x00")
	}
	return found
}

// TestNoDirectiveOfModWSGIIsLeft searches the new configurations for lines of mod_wsgi.
func TestNoDirectiveOfModWSGIIsLeft(t *testing.T) {
	left := regexp.MustCompile(`(?mi)^\s*(WSGI|Passenger|LoadModule\s+(wsgi|passenger)_module)\w*`)
	for _, name := range archives(t) {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range wantOf(run(t, archive)) {
			if found := left.Find(f.Data); found != nil && strings.HasPrefix(f.Name, "want/apache/") {
				t.Errorf("%s: %s has %q", name, f.Name, found)
			}
		}
	}
}
