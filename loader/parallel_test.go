package loader

import (
	"fmt"
	"path/filepath"
	"testing"
)

func TestFilesThatAreLoadedTogetherKeepTheirOrderAndTheirMistakes(t *testing.T) {
	const count = 200
	project := map[string]string{
		"modgw.hcl": "apps = [\"*/app.hcl\"]\ndefaults {\n  env = { A = upper(\"a\") }\n}\n",
	}
	for i := range count {
		text := fmt.Sprintf("app \"app%d\" {\n  mount = \"/%[1]d\"\n", i)
		text += "  env = { B = join(\"-\", [for n in range(3) : \"${app.name}${n}\"]) }\n"
		if i%10 == 0 {
			text += "  mistake = 1\n"
		}
		project[fmt.Sprintf("%03d/app.hcl", i)] = text + "  wsgi { entry = \"a:b\" }\n}\n"
	}
	dir := testProject(t, project)
	host, defaults, diags := LoadHost(filepath.Join(dir, "modgw.hcl"), testOptions())
	if err := diags.Err(); err != nil {
		t.Fatal(err)
	}
	opts := testOptions()
	opts.Defaults = defaults
	files, _ := LoadAll(append(host.Apps, dir+"/000/app.hcl"), opts)
	if len(files) != count {
		t.Fatalf("%d files", len(files))
	}
	for i, f := range files {
		if want := filepath.Join(dir, fmt.Sprintf("%03d/app.hcl", i)); f.Path != want {
			t.Errorf("file %d is %s", i, f.Path)
		}
		if i%10 == 0 {
			wantText(t, rendered(t, f.Diagnostics), `Unknown argument "mistake"`)
			continue
		}
		if len(f.Descriptors) != 1 || f.Diagnostics.HasErrors() {
			t.Errorf("%s: %s", f.Path, rendered(t, f.Diagnostics))
			continue
		}
		env := f.Descriptors[0].Env
		if want := fmt.Sprintf("app%d0-app%[1]d1-app%[1]d2", i); env["A"] != "A" || env["B"] != want {
			t.Errorf("app %d has %q", i, env)
		}
	}
}
