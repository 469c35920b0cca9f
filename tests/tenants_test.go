package tests

import (
	"os"
	"strings"
	"testing"
)

// asUser returns a command that runs another one as a user, with that user's groups.
func asUser(name string) []string {
	return []string{"setpriv", "--reuid=" + name, "--regid=" + name, "--init-groups"}
}

// TestTenantsGetWhatTheHostFileSaysAndSeeTheirOwn has a host of root's with two tenants.
func TestTenantsGetWhatTheHostFileSaysAndSeeTheirOwn(t *testing.T) {
	t.Parallel()
	needsRoot(t)
	s := newSite(t)
	for _, folder := range []string{".", "apps", "run"} {
		if err := os.MkdirAll(s.path(folder), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(s.path(folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	hostFile := `apps = ["apps/*/modgw.hcl"]
listen "http" { address = "127.0.0.1:0" }
control {
  address = "unix:` + s.path("run/control.sock") + `"
  admins  = ["@adm"]
}
tenant "daemon" { hosts = ["a.test"] }
tenant "bin" {
  hosts = ["b.test"]
  apps  = 1
}
`
	s.write("modgw.hcl", hostFile)
	s.tenant(tenantA, "a", ownPage("a", `hosts = ["a.test"]`))
	s.tenant(tenantB, "b", ownPage("b", `hosts = ["b.test"]`))
	s.start()
	s.wantAt("a.test", "/", "a")
	s.wantAt("b.test", "/", "b")

	control := []string{"--control", "unix:" + s.path("run/control.sock")}
	as := func(user string, args ...string) (string, bool) {
		return s.runWithin(asUser(user), append(args, control...)...)
	}
	if out, ok := as("daemon", "status"); !ok || !strings.Contains(out, "a ") || strings.Contains(out, "b.test") {
		t.Errorf("status for daemon: %s", out)
	}
	if out, ok := as("daemon", "status", "b"); ok || strings.Contains(out, "b.test") {
		t.Errorf("status of another's app: %s", out)
	}
	if out, ok := as("daemon", "stop", "b"); ok || !strings.Contains(out, "MGW-APP-109") {
		t.Errorf("stop of another's app: %s", out)
	}
	if out, ok := as("daemon", "reload"); ok || !strings.Contains(out, "MGW-HST-027") {
		t.Errorf("reload of all apps by a user: %s", out)
	}
	if out, ok := as("daemon", "restart", "a"); !ok {
		t.Errorf("restart of the own app: %s", out)
	}
	if out, ok := as("bin", "policy"); !ok || !strings.Contains(out, "1 of 1") || strings.Contains(out, "daemon") {
		t.Errorf("policy for bin: %s", out)
	}
	if out, ok := as("bin", "logs", "--audit"); !ok || strings.Contains(out, "daemon") {
		t.Errorf("audit log for bin: %s", out)
	}
	out := s.mustRun(append([]string{"logs", "--audit"}, control...)...)
	for _, line := range []string{"daemon  status   b    refused", "daemon  stop     b    refused", "daemon  reload   -    refused", "daemon  restart  a    done"} {
		if !strings.Contains(out, line) {
			t.Errorf("audit log without %q:\n%s", line, out)
		}
	}

	// Another user's host name and a second app are refused; an app whose host name is withdrawn
	// ends.
	s.tenant(tenantB, "c", ownPage("c", `hosts = ["b.test"]`, `mount = "/c"`))
	s.tenant(tenantA, "d", ownPage("d", `hosts = ["b.test"]`, `mount = "/d"`))
	s.wantLog(`The app "c" is one more than the 1 that user "bin" may have`, `"d" may not be mounted at b.test/d, which user "daemon" may not claim`)
	s.write("modgw.hcl", strings.Replace(hostFile, `hosts = ["b.test"]`, `hosts = ["new.test"]`, 1))
	s.eventually("the app whose host was taken away has ended", func() bool {
		code, _ := s.at("b.test", "/")
		return code == 404
	})
	s.wantAt("a.test", "/", "a")
}
