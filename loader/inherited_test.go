package loader

import (
	"path/filepath"
	"testing"
)

// TestSandboxOfTheDefaultsConfinesAppsThatHaveNone loads apps with and without their own sandbox
// block.
func TestSandboxOfTheDefaultsConfinesAppsThatHaveNone(t *testing.T) {
	dir := testProject(t, map[string]string{
		"modgw.hcl":    "apps = [\"*/app.hcl\"]\ndefaults {\n  sandbox { network = [\"10.0.0.1:5432\"] }\n}\n",
		"none/app.hcl": "app \"none\" {\n  wsgi { entry = \"a:b\" }\n}\n",
		"own/app.hcl":  "app \"own\" {\n  wsgi { entry = \"a:b\" }\n  mount = \"/own\"\n  sandbox { read = [\"/srv/x\"] }\n}\n",
	})
	host, defaults, diags := LoadHost(filepath.Join(dir, "modgw.hcl"), testOptions())
	if err := diags.Err(); err != nil {
		t.Fatal(err)
	}
	opts := testOptions()
	opts.Defaults = defaults
	files, _ := LoadAll(host.Apps, opts)
	for i, reads := range []int{0, 1} {
		if files[i].Diagnostics.HasErrors() {
			t.Fatal(rendered(t, files[i].Diagnostics))
		}
		s := files[i].Descriptors[0].Sandbox
		if s == nil || len(s.Network) != 1 || len(s.Read) != reads {
			t.Errorf("%s has the sandbox %+v", files[i].Path, s)
		}
	}
}
