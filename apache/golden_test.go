package apache_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/modgw/modgw/apache"
	"github.com/modgw/modgw/internal/fronttest"
	"github.com/modgw/modgw/modgw"
)

var update = flag.Bool("update", false, "rewrite testdata/*.txtar")

// golden holds the settings of one file in testdata.
type golden struct {
	Apps       []modgw.Descriptor
	Listeners  []modgw.Listener
	Options    apache.Options
	Directives *string // a host: Directives in place of Config
}

// TestConfigurations writes the configuration for the settings in each testdata/*.txtar, compares
// it, and has Apache check it.
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
			got, err := g.write()
			name := "want.conf"
			if err != nil {
				name, got = "want.err", []byte(err.Error()+"\n")
			}
			if *update {
				archive.Files = append(archive.Files[:1], txtar.File{Name: name, Data: got})
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want := archive.Files[len(archive.Files)-1]
			if diff := cmp.Diff(string(want.Data), string(got)); diff != "" || want.Name != name {
				t.Fatalf("%s, not %s (- want, + got):\n%s", name, want.Name, diff)
			}
			if name == "want.conf" {
				apacheAccepts(t, g, got)
			}
		})
	}
}

func (g golden) write() ([]byte, error) {
	if g.Directives != nil {
		return apache.Directives(*g.Directives, g.Apps, g.Listeners)
	}
	return apache.Config(g.Apps, g.Listeners, g.Options)
}

func (g golden) certificates() []apache.TLS {
	all := slices.Collect(maps.Values(g.Options.Certificates))
	if g.Options.TLS != nil {
		all = append(all, *g.Options.TLS)
	}
	return all
}

// apacheAccepts has a real Apache check a configuration, and accepts no warnings.
func apacheAccepts(t *testing.T, g golden, conf []byte) {
	t.Helper()
	httpd := fronttest.Require(t, "apache2", "apache2")
	dir := t.TempDir()
	var b bytes.Buffer
	for _, m := range []string{"mpm_event", "authz_core", "alias", "env", "headers", "proxy", "proxy_fcgi", "proxy_http", "rewrite", "ssl", "socache_shmcb", "remoteip", "setenvif", "unique_id"} {
		fmt.Fprintf(&b, "LoadModule %s_module /usr/lib/apache2/modules/mod_%s.so\n", m, m)
	}
	fmt.Fprintf(&b, "ServerRoot %s\nPidFile %s/pid\nListen 127.0.0.1:1\nServerName localhost\nErrorLog /dev/stderr\nMutex pthread\n", dir, dir)
	if g.Directives != nil {
		conf = append(append([]byte("<VirtualHost *:1>\n"), conf...), "</VirtualHost>\n"...)
	}
	for _, own := range g.certificates() {
		key := fronttest.SelfSigned(t)
		conf = bytes.ReplaceAll(conf, []byte(own.Certificate), []byte(key))
		conf = bytes.ReplaceAll(conf, []byte(own.Key), []byte(key))
	}
	if g.Options.Logs != "" {
		conf = bytes.ReplaceAll(conf, []byte(g.Options.Logs), []byte(dir))
	}
	b.Write(conf)
	file := filepath.Join(dir, "httpd.conf")
	if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(httpd, "-t", "-f", file).CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if string(out) != "Syntax OK\n" {
		t.Errorf("Apache says: %s", out)
	}
}
