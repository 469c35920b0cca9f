package export_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/modgw/modgw/export"
	"github.com/modgw/modgw/internal/fronttest"
	"github.com/modgw/modgw/modgw"
)

var update = flag.Bool("update", false, "rewrite testdata/*.txtar")

// golden holds the settings of one file in testdata.
type golden struct {
	Apps      []modgw.Descriptor
	Listeners []modgw.Listener
	Options   export.Options
}

// target is a web server that configurations are for.
type target struct {
	name  string
	write func([]modgw.Descriptor, []modgw.Listener, export.Options) ([]byte, error)
	check func(t testing.TB, conf string) string // checks a configuration by the real server
	good  string                                 // its message for a valid configuration
}

var targets = []target{
	{"nginx", export.Nginx, fronttest.CheckNginx, "test is successful"},
	{"lighttpd", export.Lighttpd, fronttest.CheckLighttpd, ""},
}

// TestConfigurations writes the configurations for the settings in each testdata/*.txtar, compares
// them, and has the servers check them.
func TestConfigurations(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no goldens", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var g golden
			if err := json.Unmarshal(archive.Files[0].Data, &g); err != nil {
				t.Fatal(err)
			}
			want := archive.Files[1:]
			archive.Files = archive.Files[:1:1] // appending must not overwrite want
			for _, server := range targets {
				got, err := server.write(g.Apps, g.Listeners, g.Options)
				name := server.name + ".conf"
				if err != nil {
					name, got = server.name+".err", []byte(err.Error()+"\n")
				}
				archive.Files = append(archive.Files, txtar.File{Name: name, Data: got})
				if err == nil && g.Options.TLS == nil {
					if said := server.check(t, string(got)); !strings.Contains(said, server.good) || server.good == "" && said != "" {
						t.Errorf("%s says: %s", server.name, said)
					}
				}
			}
			if *update {
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
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
