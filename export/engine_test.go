package export_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2/hclparse"
	"golang.org/x/tools/txtar"

	"github.com/modgw/modgw/export"
	"github.com/modgw/modgw/internal/faulttest"
	"github.com/modgw/modgw/modgw"
)

var engines = []export.Engine{export.Systemd, export.Container, export.Kubernetes, export.Nomad, export.Procfile}

// TestEnginesGetFiles writes the files of each engine for the apps of testdata/engines, and
// compares them.
func TestEnginesGetFiles(t *testing.T) {
	goldens, err := filepath.Glob("testdata/engines/*.txtar")
	if err != nil || len(goldens) == 0 {
		t.Fatal("no goldens", err)
	}
	for _, name := range goldens {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			var asked struct {
				Descriptor modgw.Descriptor
				Launch     export.Launch
			}
			if err := json.Unmarshal(archive.Files[0].Data, &asked); err != nil {
				t.Fatal(err)
			}
			want := archive.Files[1:]
			archive.Files = archive.Files[:1:1] // appending must not overwrite want
			for _, engine := range engines {
				files, err := export.App(engine, asked.Descriptor, asked.Launch)
				if err != nil {
					files = []export.File{{Name: "err", Text: err.Error() + "\n"}}
				}
				for _, f := range files {
					archive.Files = append(archive.Files, txtar.File{Name: string(engine) + "/" + f.Name, Data: []byte(f.Text)})
					for _, value := range asked.Descriptor.Env {
						if strings.Contains(f.Text, value) {
							t.Errorf("%s has the value %q of env", f.Name, value)
						}
					}
				}
			}
			if *update {
				if err := os.WriteFile(name, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(want, archive.Files[1:]); diff != "" {
				t.Errorf("- want, + got:\n%s", diff)
			}
		})
	}
}

// goldenFiles returns the files for an engine in the goldens.
func goldenFiles(t *testing.T, engine export.Engine) map[string]string {
	t.Helper()
	goldens, err := filepath.Glob("testdata/engines/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, name := range goldens {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range archive.Files {
			if file, ok := strings.CutPrefix(f.Name, string(engine)+"/"); ok && file != "err" {
				files[file] = string(f.Data)
			}
		}
	}
	if len(files) == 0 {
		t.Fatalf("no files for %s", engine)
	}
	return files
}

func TestSystemdAcceptsTheUnits(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("no systemd-analyze")
	}
	host, err := export.SystemdHost(export.Launch{})
	if err != nil {
		t.Fatal(err)
	}
	units := goldenFiles(t, export.Systemd)
	for _, f := range host {
		units[f.Name] = f.Text
	}
	dir := t.TempDir()
	args := []string{"verify", "--man=no"}
	for name, text := range units {
		// The program is not installed here, and the manual page neither.
		text = strings.NewReplacer("/usr/bin/modgw-host", "/bin/true", `"/opt/my tools/modgw-host"`, "/bin/true").Replace(text)
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		args = append(args, file)
	}
	if out, err := exec.Command(analyze, args...).CombinedOutput(); err != nil || strings.Contains(string(out), dir) {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestKubectlKnowsEveryField has kubectl parse a Deployment into its own types, without a cluster,
// and compares the result: unknown fields are missing.
func TestKubectlKnowsEveryField(t *testing.T) {
	kubectl, err := exec.LookPath("kubectl")
	if err != nil {
		t.Skip("no kubectl")
	}
	written := documentOf(t, goldenFiles(t, export.Kubernetes)["blog-2.yaml"], "Deployment")
	text, err := json.Marshal(written)
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(kubectl, "set", "env", "--local", "-f", "-", "-o", "json", "ADDED=1")
	command.Env = append(os.Environ(), "HOME="+t.TempDir(), "KUBECONFIG=/dev/null")
	command.Stdin = bytes.NewReader(text)
	out, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	var deployment any
	if err := json.Unmarshal(out, &deployment); err != nil {
		t.Fatal(err)
	}
	requireWithin(t, "", written, deployment)
}

func TestNomadJobsAreHCL(t *testing.T) {
	for name, text := range goldenFiles(t, export.Nomad) {
		if _, diags := hclparse.NewParser().ParseHCL([]byte(text), name); diags.HasErrors() {
			t.Error(diags)
		}
	}
}

func TestAnAppWithoutADescriptorIsNotExported(t *testing.T) {
	for _, engine := range engines {
		_, err := export.App(engine, modgw.Descriptor{Name: "bare"}, export.Launch{})
		if err == nil {
			t.Fatalf("%s takes it", engine)
		}
		faulttest.Want(t, err.Error(), "MGW-EXP-003")
	}
}

func TestTheUnitsOfTheHostAreThoseOfThePackage(t *testing.T) {
	files, err := export.SystemdHost(export.Launch{Program: "/opt/modgw host", Vars: map[string]string{"stage": "50%"}})
	if err != nil {
		t.Fatal(err)
	}
	packaged, err := os.ReadFile("units/modgw.service")
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Replace(string(packaged), "ExecStart=/usr/bin/modgw-host serve -c /etc/modgw/modgw.hcl",
		`ExecStart="/opt/modgw host" serve -c /etc/modgw/modgw.hcl --var stage=50%%`, 1)
	if diff := cmp.Diff(want, files[0].Text); diff != "" || want == string(packaged) {
		t.Errorf("- want, + got:\n%s", diff)
	}
}
