package migrate_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/modgw/modgw/loader"
	"github.com/modgw/modgw/loader/migrate"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// directives returns the lines, from 1, of the directives and options that a file of the sources
// has, a line for each of them. It is written without the reader that it checks.
type directives func(name, text string) []int

// compareGolden compares the results of configuration readers with all golden files of a folder of
// testdata. Each line must have as many entries as count returns it.
//
// A golden file is a txtar archive. Its comment lists the sources, one per line. Files whose names
// begin with "want/" contain the expected output; all others are written into a folder. ROOT in any
// of them means this folder.
func compareGolden(t *testing.T, o migrate.Options, folder string, count directives) {
	t.Helper()
	names, err := filepath.Glob("testdata/" + folder + "/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) { run(t, name, o, count) })
	}
}

func run(t *testing.T, name string, o migrate.Options, count directives) {
	archive, err := txtar.ParseFile(name)
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	for _, f := range archive.Files {
		if !strings.HasPrefix(f.Name, "want/") {
			write(t, root, f.Name, strings.ReplaceAll(string(f.Data), "ROOT", root))
		}
	}
	var sources []string
	for source := range strings.FieldsSeq(string(archive.Comment)) {
		sources = append(sources, filepath.Join(root, source))
	}
	p := migrate.Read(sources, o)
	var got []txtar.File
	for _, a := range p.Apps {
		text := p.Descriptor(a)
		got = append(got, txtar.File{Name: "want/" + a.FileName(), Data: withoutRoot(text, root)})
		load(t, p, a, text)
	}
	for _, f := range p.Web {
		var b bytes.Buffer
		for _, part := range f.Parts {
			b.WriteString(part.Text)
			if part.Insert != nil {
				fmt.Fprintf(&b, "%s[apps %s of %q]\n", part.Insert.Indent, strings.Join(part.Insert.Apps, " "), part.Insert.Host)
			}
		}
		got = append(got, txtar.File{Name: "want/" + f.Server + "/" + f.Name, Data: withoutRoot(b.Bytes(), root)})
	}
	got = append(got, txtar.File{Name: "want/report", Data: withoutRoot(report(p), root)})
	checkEntries(t, p, count)
	if *update {
		archive.Files = slices.DeleteFunc(archive.Files, func(f txtar.File) bool { return strings.HasPrefix(f.Name, "want/") })
		archive.Files = append(archive.Files, got...)
		if err := os.WriteFile(name, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want := map[string]string{}
	for _, f := range archive.Files {
		if strings.HasPrefix(f.Name, "want/") {
			want[f.Name] = string(f.Data)
		}
	}
	have := map[string]string{}
	for _, f := range got {
		have[f.Name] = string(f.Data)
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func withoutRoot(text []byte, root string) []byte {
	text = bytes.ReplaceAll(text, []byte(root), []byte("ROOT"))
	if len(text) > 0 && text[len(text)-1] != '\n' {
		text = append(text, '\n')
	}
	return text
}

// report lists the entries, and then the problems and notes.
func report(p *migrate.Plan) []byte {
	var b bytes.Buffer
	for _, e := range p.Entries {
		fmt.Fprintf(&b, "%s:%d: %s: %s: %s\n", e.File, e.Line, e.Directive, e.Became, e.Reason)
	}
	for _, problem := range p.Problems {
		fmt.Fprintf(&b, "problem: %s\n", problem)
	}
	for _, note := range p.Notes {
		fmt.Fprintf(&b, "note: %s\n", note)
	}
	return b.Bytes()
}

// load loads a descriptor, with a suitable value for each variable.
func load(t *testing.T, p *migrate.Plan, a *migrate.App, text []byte) {
	t.Helper()
	var err error
	for _, value := range []string{"2", "word", "/folder"} {
		values := map[string]string{}
		for _, v := range p.Variables() {
			values[v.Name] = value
		}
		_, diags := loader.LoadText("/etc/modgw/apps-enabled/"+a.FileName(), text, loader.Options{Elsewhere: true, Vars: values})
		if err = diags.Err(); err == nil {
			return
		}
	}
	t.Errorf("%v in\n%s", err, text)
}

// checkEntries checks that each directive has one entry, and that each entry has a reason.
func checkEntries(t *testing.T, p *migrate.Plan, count directives) {
	t.Helper()
	entries := map[migrate.Place]int{}
	for _, e := range p.Entries {
		entries[migrate.Place{File: e.File, Line: e.Line}]++
		if e.Reason == "" || e.Directive == "" || e.Line < 1 {
			t.Errorf("an entry is incomplete: %+v", e)
		}
	}
	refused := map[string]bool{}
	for _, problem := range p.Problems {
		refused[problem.File] = true
	}
	for _, file := range p.Files.Opened() {
		text, err := os.ReadFile(file)
		if err != nil || refused[file] {
			continue
		}
		lines := map[int]int{}
		for _, line := range count(file, string(text)) {
			lines[line]++
		}
		for line, n := range lines {
			if got := entries[migrate.Place{File: file, Line: line}]; got != n {
				t.Errorf("%s:%d has %d directives or options, and %d entries", file, line, n, got)
			}
		}
	}
}

func write(t *testing.T, root, name, text string) {
	t.Helper()
	path := filepath.Join(root, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if target, isLink := strings.CutPrefix(text, "-> "); isLink {
		if err := os.Symlink(strings.TrimSpace(target), path); err != nil {
			t.Fatal(err)
		}
		return
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
