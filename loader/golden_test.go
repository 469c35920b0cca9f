package loader

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "write what the tests found to their golden files and to docs/descriptor.md")

// TestGolden loads every *.hcl of an archive in testdata, with the defaults of its host.hcl if
// there is one, and compares the result with the archive's file "want". Default values are listed
// only in defaults.txtar.
func TestGolden(t *testing.T) {
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	for _, name := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			got := goldenRun(t, archive, strings.Contains(name, "defaults"))
			at := slices.IndexFunc(archive.Files, func(f txtar.File) bool { return f.Name == "want" })
			if at < 0 {
				at = len(archive.Files)
				archive.Files = append(archive.Files, txtar.File{Name: "want"})
			}
			if *update {
				archive.Files[at].Data = []byte(got)
				if err := os.WriteFile(name, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(archive.Files[at].Data), got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func goldenRun(t *testing.T, archive *txtar.Archive, everything bool) string {
	dir := t.TempDir()
	for _, f := range archive.Files {
		if target, ok := strings.CutPrefix(string(f.Data), "SYMLINK "); ok {
			writeLink(t, filepath.Join(dir, f.Name), strings.TrimSpace(target))
		} else if f.Name != "want" {
			write(t, filepath.Join(dir, f.Name), string(f.Data))
		}
	}
	opts := testOptions()
	if strings.Contains(string(txtar.Format(archive)), `variable "stage"`) {
		opts.Vars = map[string]string{"stage": "production"}
	}
	var out strings.Builder
	host := filepath.Join(dir, "host.hcl")
	if _, err := os.Stat(host); err == nil {
		h, defaults, diags := LoadHost(host, opts)
		out.WriteString("host\n")
		dump(&out, "  ", reflect.ValueOf(*h), nil)
		_ = diags.WriteText(&out, false)
		opts.Defaults = defaults
	}
	var targets []string
	names, _ := filepath.Glob(filepath.Join(dir, "*.hcl"))
	for _, n := range names {
		if n != host {
			targets = append(targets, n)
		}
	}
	files, diags := LoadAll(targets, opts)
	var usual []string
	if !everything {
		usual = usualLines(t, dir)
	}
	for _, f := range files {
		for _, d := range f.Descriptors {
			fmt.Fprintf(&out, "app %s\n", d.Name)
			dump(&out, "  ", reflect.ValueOf(d), usual)
		}
	}
	_ = diags.WriteText(&out, false)
	return strings.ReplaceAll(out.String(), dir, "$DIR")
}

// testOptions returns options that are the same on every machine.
func testOptions() Options {
	return Options{
		CPUs: 4, Hostname: "web1",
		Getenv: func(name string) (string, bool) {
			v, ok := map[string]string{"HOST_VAR": "from the host", "MODGW_VAR_port": "8080"}[name]
			return v, ok
		},
	}
}

// usualLines returns the lines of an app with only the required settings.
func usualLines(t *testing.T, dir string) []string {
	f := &File{Path: filepath.Join(dir, "usual"), report: newReport()}
	f.decode([]byte("app \"usual\" {\n static { dir = path.dir }\n}"), dir, Options{})
	if f.found.HasErrors() {
		t.Fatal(f.found)
	}
	var out strings.Builder
	dump(&out, "  ", reflect.ValueOf(*f.apps[0].Descriptor), nil)
	return strings.Split(out.String(), "\n")
}

// dump writes every field that is not zero and not usual, one on a line.
func dump(out *strings.Builder, path string, v reflect.Value, usual []string) {
	if v.Kind() == reflect.Pointer {
		if !v.IsNil() {
			dump(out, path, v.Elem(), usual)
		}
		return
	}
	if v.Kind() != reflect.Struct || reflect.PointerTo(v.Type()).Implements(reflect.TypeFor[fmt.Stringer]()) {
		line := fmt.Sprintf("%s = %+v", path, v.Interface())
		if v.Kind() == reflect.String {
			line = fmt.Sprintf("%s = %q", path, v.Interface())
		}
		if !v.IsZero() && !slices.Contains(usual, line) {
			out.WriteString(line + "\n")
		}
		return
	}
	for i := range v.NumField() {
		sep := "."
		if strings.HasSuffix(path, " ") {
			sep = ""
		}
		dump(out, path+sep+v.Type().Field(i).Name, v.Field(i), usual)
	}
}

func write(t testing.TB, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func writeLink(t testing.TB, name, target string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, name); err != nil {
		t.Fatal(err)
	}
}

// testProject writes files below a new folder.
func testProject(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		write(t, filepath.Join(dir, name), text)
	}
	return dir
}
