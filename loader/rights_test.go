package loader

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/modgw/modgw/internal/account"
)

// asRoot skips unless root runs the test, and finds another user.
func asRoot(t *testing.T) *account.Account {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can act for another user")
	}
	a, err := account.Lookup("nobody", "")
	if err != nil {
		t.Skip(err)
	}
	return a
}

// ownedBy is a folder with files, all of them the account's.
func ownedBy(t *testing.T, a *account.Account, files map[string]string) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "loader")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	for name, text := range files {
		write(t, filepath.Join(dir, name), text)
	}
	err = filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, int(a.UID), int(a.GID))
	})
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// rootsFile is a file that root alone may read.
func rootsFile(t *testing.T, text string) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "loader")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "secret")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestDescriptorOfAUserCannotReadWhatTheUserCannot(t *testing.T) {
	user := asRoot(t)
	secret := rootsFile(t, "TOKEN=hunter2hunter2\n")
	dir := ownedBy(t, user, map[string]string{
		"app.hcl": fmt.Sprintf("app \"a\" {\n static { dir = \".\" }\n env = { A = file(%q) }\n}\n", secret),
		"env.hcl": "app \"b\" {\n mount = \"/b\"\n static { dir = \".\" }\n env_file = \"link.env\"\n}\n",
	})
	writeLink(t, filepath.Join(dir, "link.env"), secret)
	writeLink(t, filepath.Join(dir, "link.hcl"), secret)
	files, diags := LoadAll([]string{filepath.Join(dir, "*.hcl")}, Options{})
	got := rendered(t, diags)
	if strings.Contains(got, "hunter2") || strings.Count(strings.ToLower(got), "permission denied") != 3 {
		t.Error(got)
	}
	for _, f := range files {
		if len(f.Descriptors) > 0 {
			t.Errorf("%s was loaded: %v", f.Path, f.Descriptors)
		}
	}
}

func TestDescriptorOfRootReadsAnEnvFileOfAUserAsThatUser(t *testing.T) {
	user := asRoot(t)
	secret := rootsFile(t, "TOKEN=hunter2hunter2\n")
	home := ownedBy(t, user, map[string]string{"good.env": "A=1\n"})
	writeLink(t, filepath.Join(home, "link.env"), secret)
	load := func(envFile string) (*File, Diagnostics) {
		dir := testProject(t, map[string]string{"modgw.hcl": fmt.Sprintf("app \"a\" {\n static { dir = \".\" }\n user = \"www-data\"\n env_file = %q\n}\n", envFile)})
		return Load(filepath.Join(dir, "modgw.hcl"), Options{})
	}
	if f, diags := load(secret); diags.HasErrors() || f.Descriptors[0].Env["TOKEN"] != "hunter2hunter2" {
		t.Errorf("root's own: %v", diags)
	}
	if f, diags := load(filepath.Join(home, "good.env")); diags.HasErrors() || f.Descriptors[0].Env["A"] != "1" {
		t.Errorf("the user's own: %v", diags)
	}
	if _, diags := load(filepath.Join(home, "link.env")); !strings.Contains(rendered(t, diags), "Permission denied") {
		t.Errorf("a link of the user to root's file: %s", rendered(t, diags))
	}
}

func TestDescriptorOfAUserRunsAsThatUserAlone(t *testing.T) {
	user := asRoot(t)
	t.Setenv("HOST_SECRET", "hunter2hunter2")
	dir := ownedBy(t, user, map[string]string{
		"silent.hcl": "app \"silent\" {\n mount = \"/1\"\n static { dir = \".\" }\n}\n",
		"self.hcl":   "app \"self\" {\n mount = \"/2\"\n static { dir = \".\" }\n user = \"nobody\"\n}\n",
		"other.hcl":  "app \"other\" {\n mount = \"/3\"\n static { dir = \".\" }\n user = \"www-data\"\n}\n",
		"root.hcl":   "app \"root\" {\n mount = \"/4\"\n static { dir = \".\" }\n user = \"root\"\n}\n",
		"group.hcl":  "app \"group\" {\n mount = \"/5\"\n static { dir = \".\" }\n group = \"www-data\"\n}\n",
		"env.hcl":    "app \"env\" {\n mount = \"/6\"\n static { dir = \".\" }\n env = { A = env(\"HOST_SECRET\") }\n}\n",
	})
	files, diags := LoadAll([]string{filepath.Join(dir, "*.hcl")}, Options{})
	users := map[string]string{}
	for _, f := range files {
		for _, d := range f.Descriptors {
			users[string(d.Name)] = d.User
			if d.Owner != "nobody" {
				t.Errorf("app %q belongs to %q", d.Name, d.Owner)
			}
		}
	}
	if len(users) != 2 || users["silent"] != "nobody" || users["self"] != "nobody" {
		t.Errorf("apps run as %v", users)
	}
	got := rendered(t, diags)
	wantText(t, got, `may not run as "www-data"`, `may not run as "root"`, `may not run with group "www-data"`, "only for descriptors that nobody but root can change")
	if strings.Contains(got, "hunter2") {
		t.Error(got)
	}
}

func TestDescriptorThatAnybodyCanChangeIsRefused(t *testing.T) {
	asRoot(t)
	dir := testProject(t, map[string]string{"modgw.hcl": small})
	if err := os.Chmod(filepath.Join(dir, "modgw.hcl"), 0o666); err != nil {
		t.Fatal(err)
	}
	f, diags := Load(filepath.Join(dir, "modgw.hcl"), Options{})
	if len(f.Descriptors) != 0 {
		t.Error("it was loaded")
	}
	wantText(t, rendered(t, diags), "MGW-CFG-016", "chmod go-w")
}

func TestDefaultsOfTheHostFileKeepItsRights(t *testing.T) {
	user := asRoot(t)
	secret := rootsFile(t, "hunter2hunter2\n")
	host := testProject(t, map[string]string{"modgw.hcl": fmt.Sprintf("defaults {\n env = { KEY = secret(%q) }\n}\n", secret)})
	_, defaults, diags := LoadHost(filepath.Join(host, "modgw.hcl"), Options{})
	if diags.HasErrors() {
		t.Fatal(rendered(t, diags))
	}
	dir := ownedBy(t, user, map[string]string{"modgw.hcl": small})
	f, diags := Load(filepath.Join(dir, "modgw.hcl"), Options{Defaults: defaults})
	if diags.HasErrors() || f.Descriptors[0].Env["KEY"] != "hunter2hunter2" {
		t.Errorf("%v %s", f.Descriptors, rendered(t, diags))
	}
}

func TestUnreadableForANormalUser(t *testing.T) {
	if os.Getuid() == 0 {
		user := asRoot(t)
		secret := rootsFile(t, small)
		_, diags := Load(secret, Options{Account: user})
		wantText(t, rendered(t, diags), "MGW-CFG-001", "Permission denied", `"nobody"`)
		return
	}
	name := filepath.Join(testProject(t, map[string]string{"a.hcl": small}), "a.hcl")
	if err := os.Chmod(name, 0); err != nil {
		t.Fatal(err)
	}
	_, diags := Load(name, Options{})
	wantText(t, rendered(t, diags), "MGW-CFG-001", "Permission denied")
}
