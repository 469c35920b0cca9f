package loader

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// TestInitOfProjects writes the descriptor of every project in testdata/init, which is the file
// want.hcl there. It must load.
func TestInitOfProjects(t *testing.T) {
	names, err := filepath.Glob("testdata/init/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatalf("no projects: %v", err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) { checkInit(t, name) })
	}
}

func checkInit(t *testing.T, name string) {
	archive, err := txtar.ParseFile(name)
	if err != nil {
		t.Fatal(err)
	}
	want, files := "", map[string]string{}
	kept := archive.Files[:0]
	for _, f := range archive.Files {
		if f.Name == "want.hcl" {
			want = string(f.Data)
			continue
		}
		kept = append(kept, f)
		files["project/"+f.Name] = string(f.Data)
	}
	dir := filepath.Join(testProject(t, files), "project")
	for _, script := range archive.Files {
		if strings.HasPrefix(string(script.Data), "#!") {
			if err := os.Chmod(filepath.Join(dir, script.Name), 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
	path, src, err := Init(dir)
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		archive.Files = append(kept, txtar.File{Name: "want.hcl", Data: src})
		if err := os.WriteFile(name, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if string(src) != want {
		t.Errorf("got\n%s\nwant\n%s", src, want)
	}
	if formatted, diags := Format(src, path); diags != nil || string(formatted) != string(src) {
		t.Errorf("it is not formatted: %v\n%s", diags, src)
	}
	write(t, path, string(src))
	f, diags := Load(path, Options{})
	if diags.HasErrors() || len(f.Descriptors) != 1 {
		t.Fatalf("%s\n%s", rendered(t, diags), src)
	}
	if found, err := Detect(dir); err != nil || found.Kind != f.Descriptors[0].Kind || found.Entry() != f.Descriptors[0].Entry() ||
		found.Root != f.Descriptors[0].Root {
		t.Errorf("%v: without a descriptor it is %+v", err, found)
	}
}

func TestInitTakesNoCodeFromTheNamesOfFiles(t *testing.T) {
	const evil = "a\napp \"evil\" { static { dir = \".\" } }\n#"
	dir := testProject(t, map[string]string{
		"backend/app.py": "app = Flask(__name__)\n", "backend/requirements.txt": "", evil + "/app.py": "app = Flask(__name__)\n",
	})
	path, src, err := Init(dir)
	if err != nil {
		t.Fatal(err)
	}
	write(t, path, string(src))
	f, diags := Load(path, Options{})
	if diags.HasErrors() || len(f.Descriptors) != 1 || !strings.Contains(string(src), "saw Flask app in a app") {
		t.Errorf("%s\n%s", rendered(t, diags), src)
	}
}

func TestInitChoosesNoScriptAmongSeveral(t *testing.T) {
	dir := testProject(t, map[string]string{"a.cgi": "#!/bin/sh\n", "b.cgi": "#!/bin/sh\n", "index.html": ""})
	for _, name := range []string{"a.cgi", "b.cgi"} {
		if err := os.Chmod(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := Init(dir); err == nil || !strings.Contains(err.Error(), `between the scripts "a.cgi", "b.cgi"`) {
		t.Errorf("got %v", err)
	}
	if err := os.Chmod(filepath.Join(dir, "b.cgi"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, src, err := Init(dir)
	if err != nil || !strings.Contains(string(src), "chmod +x b.cgi") || !strings.Contains(string(src), `script = "a.cgi"`) {
		t.Errorf("one can be executed: %v\n%s", err, src)
	}
}
