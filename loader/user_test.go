package loader

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

func TestNothingRunsAsRootByName(t *testing.T) {
	for _, user := range []string{`user = "root"`, `user = "0"`, "user = \"nobody\"\n group = \"root\"", "user = \"nobody\"\n group = \"0\""} {
		dir := testProject(t, map[string]string{"modgw.hcl": fmt.Sprintf("app \"a\" {\n static { dir = \".\" }\n %s\n}\n", user)})
		f, diags := Load(filepath.Join(dir, "modgw.hcl"), Options{})
		if len(f.Descriptors) != 0 {
			t.Errorf("%s: it was loaded", user)
		}
		wantText(t, rendered(t, diags), "error[MGW-CFG-026]", "modgw.hcl:3:9", "useradd --system a")
	}
	dir := testProject(t, map[string]string{"modgw.hcl": "app \"a\" {\n static { dir = \".\" }\n user = \"no-such-user\"\n}\n"})
	if _, diags := Load(filepath.Join(dir, "modgw.hcl"), Options{}); diags.HasErrors() {
		t.Errorf("a user whom another machine may know: %s", rendered(t, diags))
	}
}

func TestAppsWithoutAUserAreWarnedOfOnAHostOfRoots(t *testing.T) {
	dir := testProject(t, map[string]string{
		"bare.hcl":        "app \"bare\" {\n mount = \"/bare\"\n static { dir = \".\" }\n}\n",
		"own.hcl":         "app \"own\" {\n mount = \"/own\"\n static { dir = \".\" }\n user = \"www-data\"\n}\n",
		"site/index.html": "hello",
	})
	targets := []string{filepath.Join(dir, "*.hcl"), filepath.Join(dir, "site")}
	files, diags := LoadAll(targets, Options{Root: true})
	got := rendered(t, diags)
	wantText(t, got, "warning[MGW-CFG-026]", `The app "bare" runs as root`, "bare.hcl:1:5", `The app "site" runs as root`)
	if strings.Count(got, "MGW-CFG-026") != 2 || diags.HasErrors() || len(files) != 3 {
		t.Error(got)
	}
	if _, diags := LoadAll(targets, Options{}); len(diags) != 0 {
		t.Errorf("on a host of one user's: %s", rendered(t, diags))
	}
}
