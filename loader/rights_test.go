package loader

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/modgw/modgw/internal/account"
	"github.com/modgw/modgw/internal/exchangetest"
	"github.com/modgw/modgw/internal/faulttest"
	"github.com/modgw/modgw/internal/watchtest"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/claims"
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

// ownedBy returns a folder with files, all owned by the account.
func ownedBy(t *testing.T, a *account.Account, files map[string]string) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "loader")
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

// rootsFile returns a file that only root may read.
func rootsFile(t *testing.T, text string) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "loader")
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

func TestUserMayNotAskForAHigherPriority(t *testing.T) {
	user := asRoot(t)
	app := "app \"a\" {\n nice = %d\n cgi { dir = \".\" }\n user = %q\n}\n"
	dir := ownedBy(t, user, map[string]string{
		"lower.hcl":  fmt.Sprintf(app, 5, "nobody"),
		"higher.hcl": fmt.Sprintf(app, -5, "nobody"),
	})
	if f, diags := Load(filepath.Join(dir, "lower.hcl"), Options{}); diags.HasErrors() || f.Descriptors[0].Nice != 5 {
		t.Error(rendered(t, diags))
	}
	f, diags := Load(filepath.Join(dir, "higher.hcl"), Options{})
	wantText(t, rendered(t, diags), "The app may not run with a higher priority than the host", "nice = -5")
	if len(f.Descriptors) > 0 {
		t.Error("the app was loaded")
	}
	roots := testProject(t, map[string]string{"modgw.hcl": fmt.Sprintf(app, -5, "nobody")})
	if f, diags := Load(filepath.Join(roots, "modgw.hcl"), Options{}); diags.HasErrors() || f.Descriptors[0].Nice != -5 {
		t.Error(rendered(t, diags))
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
	wantText(t, got, `may not run as "www-data"`, `may not run as "root"`, `may not run with group "www-data"`, "only for descriptors that root alone can change")
	if strings.Contains(got, "hunter2") {
		t.Error(got)
	}
}

func TestWhatOthersMayWriteToIsRefusedWhoeverOwnsIt(t *testing.T) {
	user := asRoot(t)
	for _, owner := range []*account.Account{{}, user} {
		for name, c := range map[string]struct {
			folder, file os.FileMode
			loose        string // the place that is named; "" for none
		}{
			"all may write to the file":       {0o755, 0o666, "modgw.hcl"},
			"its group may write to the file": {0o755, 0o664, "modgw.hcl"},
			"all may write to the folder":     {0o777, 0o644, "."},
			"its group may, to the folder":    {0o775, 0o644, "."},
			"all may add to the folder":       {0o777 | os.ModeSticky, 0o644, ""},
			"the owner alone":                 {0o755, 0o644, ""},
		} {
			dir := ownedBy(t, owner, map[string]string{"modgw.hcl": small})
			if err := errors.Join(os.Chmod(dir, c.folder), os.Chmod(filepath.Join(dir, "modgw.hcl"), c.file)); err != nil {
				t.Fatal(err)
			}
			for _, target := range []string{filepath.Join(dir, "modgw.hcl"), linkTo(t, filepath.Join(dir, "modgw.hcl"))} {
				f, diags := Load(target, Options{})
				if c.loose == "" {
					if diags.HasErrors() || len(f.Descriptors) != 1 {
						t.Errorf("%s, of user %d: %s", name, owner.UID, rendered(t, diags))
					}
					continue
				}
				if len(f.Descriptors) != 0 {
					t.Errorf("%s, of user %d: it was loaded", name, owner.UID)
				}
				wantText(t, rendered(t, diags), "MGW-CFG-016", "chmod go-w "+filepath.Join(dir, c.loose))
			}
		}
	}
}

// linkTo returns a link owned by root.
func linkTo(t *testing.T, path string) string {
	t.Helper()
	link := filepath.Join(t.TempDir(), "app.hcl")
	writeLink(t, link, path)
	return link
}

func TestFolderWithoutDescriptorThatOthersMayWriteToIsRefused(t *testing.T) {
	user := asRoot(t)
	for _, owner := range []*account.Account{{}, user} {
		dir := ownedBy(t, owner, map[string]string{"index.html": "hello"})
		if err := os.Chmod(dir, 0o777); err != nil {
			t.Fatal(err)
		}
		files, diags := LoadAll([]string{dir}, Options{})
		if len(files) != 1 || len(files[0].Descriptors) != 0 {
			t.Errorf("of user %d: it was loaded", owner.UID)
		}
		wantText(t, rendered(t, diags), "MGW-CFG-016", "chmod go-w "+dir)
	}
}

func TestDescriptorThatTwoUsersCanChangeIsRefused(t *testing.T) {
	user := asRoot(t)
	dir := ownedBy(t, user, map[string]string{"modgw.hcl": small})
	if err := os.Chown(filepath.Join(dir, "modgw.hcl"), 1, 1); err != nil {
		t.Fatal(err)
	}
	f, diags := Load(filepath.Join(dir, "modgw.hcl"), Options{})
	if len(f.Descriptors) != 0 {
		t.Error("it was loaded")
	}
	wantText(t, rendered(t, diags), "MGW-CFG-016", fmt.Sprintf(`User "nobody" can change %q, and user "daemon" can change`, dir))
}

// TestDescriptorBehindAFolderOfAUserIsThatUsers has root's link lead through a folder of the user's
// back to a descriptor of root's: the user chooses which.
func TestDescriptorBehindAFolderOfAUserIsThatUsers(t *testing.T) {
	user := asRoot(t)
	target := filepath.Join(filepath.Dir(rootsFile(t, "")), "modgw.hcl")
	write(t, target, small)
	dir := ownedBy(t, user, nil)
	writeLink(t, filepath.Join(dir, "modgw.hcl"), target)
	f, diags := Load(linkTo(t, filepath.Join(dir, "modgw.hcl")), Options{})
	if diags.HasErrors() || len(f.Descriptors) != 1 || f.Descriptors[0].User != "nobody" || f.Descriptors[0].Owner != "nobody" {
		t.Errorf("%+v %s", f.Descriptors, rendered(t, diags))
	}
}

func TestDescriptorThatAUserExchangesNeverGetsMoreThanTheUsersRights(t *testing.T) {
	user := asRoot(t)
	secret := rootsFile(t, "hunter2hunter2 {\n")
	roots := filepath.Join(filepath.Dir(secret), "modgw.hcl")
	write(t, roots, small)
	const depth = 60
	deep := strings.Repeat("d/", depth)
	dir := ownedBy(t, user, map[string]string{
		"modgw.hcl":      "app \"own\" {\n static { dir = \".\" }\n}\n",
		deep + "any.txt": "",
	})
	for link, to := range map[string]string{"through": deep + "back", deep + "back": roots, "secret": secret} {
		writeLink(t, filepath.Join(dir, link), to)
		if err := os.Lchown(filepath.Join(dir, link), int(user.UID), int(user.GID)); err != nil {
			t.Fatal(err)
		}
	}
	link := linkTo(t, filepath.Join(dir, "modgw.hcl"))
	end := exchangetest.Start(t, int(user.UID), dir, "modgw.hcl", "through", "secret")
	seen := map[string]int{}
	deadline := time.Now().Add(watchtest.Patience)
	for i := 0; i < 300 || len(seen) < 3 && time.Now().Before(deadline); i++ {
		f, diags := Load(link, Options{})
		if text := rendered(t, diags); strings.Contains(text, "hunter2") {
			t.Fatal(text)
		}
		if len(f.Descriptors) == 0 {
			seen["refused"]++
			continue
		}
		d := f.Descriptors[0]
		if d.User != user.Name || d.Owner != user.Name {
			t.Fatalf("app %q belongs to %q and runs as %q", d.Name, d.Owner, d.User)
		}
		seen[string(d.Name)]++
	}
	end()
	if len(seen) < 3 {
		t.Errorf("the user showed only %v", seen)
	}
}

func TestDefaultsOfTheHostFileKeepItsRights(t *testing.T) {
	user := asRoot(t)
	secret := rootsFile(t, "hunter2hunter2\n")
	host := testProject(t, map[string]string{"modgw.hcl": fmt.Sprintf(`defaults {
		env    = { KEY = secret(%q) }
		user   = "www-data"
		group  = "www-data"
		groups = ["www-data", "nogroup"]
	}`, secret)})
	_, defaults, diags := LoadHost(filepath.Join(host, "modgw.hcl"), Options{})
	if diags.HasErrors() {
		t.Fatal(rendered(t, diags))
	}
	dir := ownedBy(t, user, map[string]string{"modgw.hcl": small})
	f, diags := Load(filepath.Join(dir, "modgw.hcl"), Options{Defaults: defaults})
	if diags.HasErrors() || f.Descriptors[0].Env["KEY"] != "hunter2hunter2" {
		t.Fatalf("%v %s", f.Descriptors, rendered(t, diags))
	}
	// The default user is for apps of root.
	if d := f.Descriptors[0]; d.User != "nobody" || d.Group != "" || !slices.Equal(d.Groups, []string{"nogroup"}) {
		t.Errorf("user %q, group %q, groups %q", d.User, d.Group, d.Groups)
	}
	roots := testProject(t, map[string]string{"modgw.hcl": small})
	f, diags = Load(filepath.Join(roots, "modgw.hcl"), Options{Defaults: defaults})
	if d := f.Descriptors[0]; diags.HasErrors() || d.User != "www-data" || d.Group != "www-data" || len(d.Groups) != 2 {
		t.Errorf("user %q, group %q, groups %q: %s", d.User, d.Group, d.Groups, rendered(t, diags))
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

// tenantOf returns tenants with a user who may claim a host, two apps and a part of the machine.
func tenantOf(user *account.Account) claims.Tenants {
	t := modgw.Tenant{User: user.Name, Hosts: []string{"a.test"}, Apps: 2, Disk: 1 << 30}
	t.Ceilings.Workers, t.Ceilings.Limits.Memory, t.Ceilings.Limits.Body = 1, 1<<30, 32<<20
	t.Ceilings.Timeouts.Request = 10 * time.Second
	return claims.Tenants{t}
}

func TestTenantGetsWhatTheHostFileSaysAndNotMore(t *testing.T) {
	user := asRoot(t)
	dir := ownedBy(t, user, map[string]string{
		"a.hcl": "app \"a\" {\n  hosts = [\"a.test\"]\n  http { command = [\"true\"] }\n}\n",
		"b.hcl": "app \"b\" {\n  hosts = [\"b.test\"]\n  static { dir = \".\" }\n}\n",
		"c.hcl": "app \"c\" {\n  static { dir = \".\" }\n}\n",
		"d.hcl": "app \"d\" {\n  hosts = [\"a.test\"]\n  mount = \"/d\"\n  http {\n    command = [\"true\"]\n    workers = { min = 1, max = 2 }\n  }\n  limits {\n    memory = 0\n    body   = \"33MiB\"\n  }\n}\n",
		"e.hcl": "app \"e\" {\n  hosts = [\"a.test\"]\n  mount = \"/e\"\n  static { dir = \".\" }\n}\n",
	})
	files, diags := LoadAll([]string{filepath.Join(dir, "*.hcl")}, Options{Tenants: tenantOf(user)})
	for _, d := range diags {
		switch said := d.Code + " " + d.Summary + " " + d.Detail; d.Code {
		case codeTenant:
			faulttest.Want(t, said, "MGW-CFG-030")
		case codeCeiling:
			faulttest.Want(t, said, "MGW-CFG-031")
		}
	}
	for _, want := range []string{
		`"b" may not be mounted at b.test/, which user "nobody" may not claim`,
		`"c" may not be mounted at /, which user "nobody" may not claim`,
		`"workers" is above the ceiling of user "nobody"`,
		`"memory" is above the ceiling of user "nobody"`,
		`"body" is above the ceiling of user "nobody"`,
	} {
		if !slices.ContainsFunc(diags, func(d Diagnostic) bool { return strings.Contains(d.Summary, want) && d.Range.Start.Line > 0 }) {
			t.Errorf("missing %q in\n%v", want, diags)
		}
	}
	served := map[modgw.AppName]modgw.Descriptor{}
	for _, f := range files {
		for _, d := range f.Descriptors {
			served[d.Name] = d
		}
	}
	if len(served) != 2 {
		t.Fatalf("served %v", served)
	}
	if a := served["a"]; a.HTTP.Workers != 0 || a.Limits.Memory != 1<<30 || a.Limits.Body != 32<<20 || a.Timeouts.Request != 10*time.Second || a.DiskQuota != 1<<30 {
		t.Errorf("app a got %+v, %+v, %+v", a.HTTP, a.Limits, a.Timeouts)
	}
	if e := served["e"]; e.Mount != "/e" {
		t.Errorf("app e got %+v", e)
	}
}

func TestDescriptorOfAConfinedTenantReadsNoFileElsewhere(t *testing.T) {
	user := asRoot(t)
	tenants := claims.Tenants{{User: user.Name, Mounts: []modgw.HostMount{{Mount: "/"}}}}
	tenants[0].Ceilings.Sandbox = &modgw.Sandbox{Read: []string{"/etc/hostname"}}
	for settings, allowed := range map[string]bool{
		`env = { X = file("own") }`:           true,
		`env = { X = file("/etc/hostname") }`: true,
		`env = { X = file("/etc/passwd") }`:   false,
		`env = { X = file("link") }`:          false,
		`env_file = "own"`:                    true,
		`env_file = "link"`:                   false,
	} {
		dir := ownedBy(t, user, map[string]string{"own": "A=b\n", "a.hcl": "app \"a\" {\n  http { command = [\"true\"] }\n  " + settings + "\n}\n"})
		if err := os.Symlink("/etc/passwd", filepath.Join(dir, "link")); err != nil {
			t.Fatal(err)
		}
		_, diags := LoadAll([]string{filepath.Join(dir, "a.hcl")}, Options{Tenants: tenants})
		if allowed != (len(diags) == 0) {
			t.Errorf("%s: %v", settings, diags)
		}
	}
}

func TestConnectOfAConfinedTenantIsBoundByTheCeiling(t *testing.T) {
	user := asRoot(t)
	tenants := claims.Tenants{{User: user.Name, Mounts: []modgw.HostMount{{Mount: "/"}}}}
	tenants[0].Ceilings.Sandbox = &modgw.Sandbox{Network: []modgw.Endpoint{{Host: "10.0.0.1", Port: 9000}}}
	for connect, allowed := range map[string]bool{
		"10.0.0.1:9000": true, "10.0.0.1:9001": false, "127.0.0.1:9000": false, "unix:/run/php.sock": true, "unix:@php": false,
	} {
		dir := ownedBy(t, user, map[string]string{"a.hcl": "app \"a\" {\n  fastcgi { connect = \"" + connect + "\" }\n}\n"})
		_, diags := LoadAll([]string{filepath.Join(dir, "a.hcl")}, Options{Tenants: tenants})
		if allowed != (len(diags) == 0) {
			t.Errorf("%s: %v", connect, diags)
		}
	}
}

func TestWhereThereAreTenantsOtherUsersMayClaimNothing(t *testing.T) {
	user := asRoot(t)
	dir := ownedBy(t, user, map[string]string{"a.hcl": "app \"a\" {\n  hosts = [\"a.test\"]\n  static { dir = \".\" }\n}\n"})
	_, diags := LoadAll([]string{filepath.Join(dir, "a.hcl")}, Options{Tenants: claims.Tenants{{User: "somebody", Hosts: []string{"*.test"}}}})
	if !slices.ContainsFunc(diags, func(d Diagnostic) bool {
		return d.Code == codeTenant && strings.Contains(d.Summary, `user "nobody", is no tenant`)
	}) {
		t.Errorf("found %v", diags)
	}
}

func TestSandboxOfATenantAllowsNoMoreThanItsCeiling(t *testing.T) {
	user := asRoot(t)
	tenants := claims.Tenants{{User: user.Name, Mounts: []modgw.HostMount{{Mount: "/"}}}}
	tenants[0].Ceilings.Sandbox = &modgw.Sandbox{
		Read: []string{"/srv/media"}, Write: []string{"/srv/data"},
		Network: []modgw.Endpoint{{Host: "10.0.0.0/8", Port: 443}},
	}
	load := func(settings string) ([]*File, Diagnostics) {
		dir := ownedBy(t, user, map[string]string{"a.hcl": "app \"a\" {\n  http { command = [\"true\"] }\n" + settings + "\n}\n"})
		return LoadAll([]string{filepath.Join(dir, "a.hcl")}, Options{Tenants: tenants})
	}
	for _, allowed := range []string{
		"", "sandbox {}", "sandbox {\n read = [\"/srv/media/a\", \"/srv/data\"]\n write = [\"var\", \"/srv/data/b\"]\n}",
		"sandbox {\n network = [\"10.1.0.0/16:443\", \"10.2.3.4:443\"]\n}",
	} {
		files, diags := load(allowed)
		if len(files) != 1 || len(files[0].Descriptors) != 1 || len(diags) > 0 {
			t.Errorf("%q: %v %v", allowed, files, diags)
			continue
		}
		d := files[0].Descriptors[0]
		folder := filepath.Dir(d.File)
		if d.Sandbox == nil || !slices.Equal(d.Sandbox.Within, []string{folder, "/srv/data", "/srv/media"}) ||
			!slices.Equal(d.Sandbox.WithinWrite, []string{folder, "/srv/data"}) {
			t.Errorf("%q: %+v", allowed, d.Sandbox)
		}
	}
	for beyond, argument := range map[string]string{
		`root = "/srv"`:                          "root",
		`sandbox { read = ["/srv/mediathek"] }`:  "read",
		`sandbox { read = ["../b"] }`:            "read",
		`sandbox { write = ["/srv/media"] }`:     "write",
		`sandbox { network = ["*"] }`:            "network",
		`sandbox { network = ["*:443"] }`:        "network",
		`sandbox { network = ["10.0.0.1:80"] }`:  "network",
		`sandbox { network = ["11.0.0.1:443"] }`: "network",
		`sandbox { learn = true }`:               "learn",
		`alias "/a" { dir = "/etc" }`:            "dir",
		`alias "/a" { file = "/etc/passwd" }`:    "file",
		`sendfile "/a" { dir = "../b" }`:         "dir",
	} {
		_, diags := load(beyond)
		if len(diags) != 1 || diags[0].Code != codeCeiling || !strings.Contains(diags[0].Summary, argument) {
			t.Errorf("%q: %v", beyond, diags)
			continue
		}
		faulttest.Want(t, "MGW-CFG-031 "+diags[0].Summary+" "+diags[0].Detail, "MGW-CFG-031")
	}
}
