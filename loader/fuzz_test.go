package loader

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// FuzzDescriptor searches for text that makes the decoder panic, or reveals a secret.
func FuzzDescriptor(f *testing.F) {
	archives, _ := filepath.Glob("testdata/*.txtar")
	for _, name := range archives {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range archive.Files {
			if strings.HasSuffix(file.Name, ".hcl") {
				f.Add(file.Data)
			}
		}
	}
	f.Add([]byte(`app "a" { env = { A = parseint(secret("key"), 36), (secret("key")) = "x", B = [for c in split("", secret("key")) : c]... } }`))
	f.Add([]byte(`app "a" { env = jsondecode(file("json")) }`))
	dir := f.TempDir()
	write(f, filepath.Join(dir, "key"), "hunter2hunter2")
	write(f, filepath.Join(dir, "json"), `{"a": [null, 1e400, {"b": "c"}]}`)
	write(f, filepath.Join(dir, "app.wsgi"), "")
	f.Fuzz(func(t *testing.T, src []byte) {
		if len(src) > 1<<14 {
			return
		}
		file := &File{Path: filepath.Join(dir, "modgw.hcl"), report: newReport()}
		file.decode(src, dir, testOptions())
		separate([]*File{file}, Held{}, nil)
		var out strings.Builder
		if err := file.Diagnostics.WriteText(&out, true); err != nil {
			t.Fatal(err)
		}
		if err := file.Diagnostics.WriteJSON(&out); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(out.String(), "hunter2hunter2") && !strings.Contains(string(src), "hunter2") {
			t.Errorf("the secret is in\n%s", out.String())
		}
		for _, d := range file.Descriptors {
			if d.Name == "" || d.Mount == "" || !filepath.IsAbs(d.Root) || d.Kind == "" {
				t.Errorf("incomplete: %+v", d)
			}
		}
		_, _ = Format(src, "modgw.hcl")
	})
}

// FuzzDotenv searches for an env_file that makes its reader panic, or for a value that was not in
// the file.
func FuzzDotenv(f *testing.F) {
	f.Add("A=1\nexport B='x'\nC=\"a\\n\"\n")
	f.Add("A='\n\n#\n'x\nB=\"\\\"\"")
	f.Fuzz(func(t *testing.T, text string) {
		found, mistakes := parseDotenv(text)
		lines := strings.Count(text, "\n") + 1
		for _, v := range found {
			if v.name == "" || v.line < 1 || v.line > lines {
				t.Errorf("%+v", v)
			}
		}
		for _, m := range mistakes {
			if m.line < 1 || m.line > lines || m.why == "" {
				t.Errorf("%+v", m)
			}
		}
	})
}

func TestMain(m *testing.M) {
	// The machine's own environment must not affect the tests.
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, "MODGW_") {
			os.Unsetenv(name)
		}
	}
	os.Exit(m.Run())
}
