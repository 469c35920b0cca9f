package tests

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/modgw/modgw/internal/fronttest"
)

const (
	packaging = "../packaging"
	units     = "../export/units"
)

func TestPartsOfThePackageFitTogether(t *testing.T) {
	t.Parallel()
	t.Run("files that nfpm.yaml names", func(t *testing.T) {
		for _, m := range regexp.MustCompile(`((?:packaging|export)/[\w./-]+)`).FindAllStringSubmatch(readText(t, packaging+"/nfpm.yaml"), -1) {
			if _, err := os.Stat(filepath.Join("..", m[1])); err != nil {
				t.Error(err)
			}
		}
	})
	t.Run("scripts of the package manager", func(t *testing.T) {
		for _, name := range []string{"postinst", "prerm", "postrm"} {
			if out, err := exec.Command("sh", "-n", filepath.Join(packaging, name)).CombinedOutput(); err != nil {
				t.Errorf("%s: %v\n%s", name, err, out)
			}
		}
	})
	t.Run("sockets", func(t *testing.T) {
		socket := regexp.MustCompile(`(?m)^ListenStream=(\S+)$`).FindAllStringSubmatch(readText(t, units+"/modgw.socket"), -1)
		listen := regexp.MustCompile(`(?m)^  address = "unix:(\S+)"$`).FindAllStringSubmatch(readText(t, packaging+"/modgw.hcl"), -1)
		if len(socket) != 2 || len(listen) != 2 || socket[0][1] != listen[0][1] || socket[1][1] != listen[1][1] {
			t.Errorf("systemd listens on %q, the host's file names %q", socket, listen)
		}
	})
	t.Run("units", func(t *testing.T) {
		analyze, err := exec.LookPath("systemd-analyze")
		if err != nil {
			t.Skip("no systemd-analyze")
		}
		dir := t.TempDir()
		for _, name := range []string{"modgw.service", "modgw.socket"} {
			text := strings.ReplaceAll(readText(t, filepath.Join(units, name)), "/usr/bin/modgw-host", program)
			// the manual page is not installed here
			text = regexp.MustCompile(`(?m)^Documentation=.*\n`).ReplaceAllString(text, "")
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		command := exec.Command(analyze, "verify", "--man=no", filepath.Join(dir, "modgw.service"), filepath.Join(dir, "modgw.socket"))
		if out, err := command.CombinedOutput(); err != nil || strings.Contains(string(out), dir) {
			t.Errorf("%v\n%s", err, out)
		}
	})
	t.Run("Apache's snippet", func(t *testing.T) {
		apache := fronttest.StartApache(t, readText(t, packaging+"/apache.conf"))
		if code, _ := get(t, apache.URL+"/nothing"); code != 404 {
			t.Errorf("status %d", code)
		}
	})
}

// TestHostServesInTheContainersFileSystem runs the program with a root file system that contains
// only the files of scripts/package, and a site.
func TestHostServesInTheContainersFileSystem(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("chroot needs root")
	}
	if os.Getenv("MODGW_TEST_RACE") != "" {
		t.Skip("the program with the race detector needs the libraries of this machine")
	}
	s := newSite(t)
	root := s.path("root")
	for _, folder := range []string{"usr/bin", "etc/modgw/apps-enabled", "var/lib", "tmp", "srv/public", "proc"} {
		if err := os.MkdirAll(filepath.Join(root, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for from, to := range map[string]string{
		packaging + "/container/passwd": "etc/passwd", packaging + "/container/group": "etc/group",
	} {
		text, err := os.ReadFile(from)
		if err == nil {
			err = os.WriteFile(filepath.Join(root, to), text, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(program)
	if err == nil {
		err = os.WriteFile(filepath.Join(root, "usr/bin/modgw-host"), text, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	config := readText(t, packaging+"/container/modgw.hcl")
	s.write("root/etc/modgw/modgw.hcl", strings.Replace(config, "0.0.0.0:8000", "127.0.0.1:0", 1))
	s.write("root/etc/modgw/apps-enabled/site.hcl", "app \"site\" {\n  root = \"/srv\"\n  static { dir = \"public\" }\n}\n")
	s.write("root/srv/public/index.html", "a page in a container")
	s.within = []string{"unshare", "--mount", "sh", "-c", `mount -t proc proc "$0/proc" && exec chroot "$0" "$@"`, root}
	if err := exec.Command("unshare", "--mount", "true").Run(); err != nil {
		t.Skip("no mounts of one's own here: ", err)
	}
	s.program = "/usr/bin/modgw-host"
	s.spawn(nil, "serve", "-c", "/etc/modgw/modgw.hcl")
	if code, body := s.get("/"); code != 200 || body != "a page in a container" {
		t.Errorf("%d %q", code, body)
	}
}

func readText(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
