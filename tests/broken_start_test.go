package tests

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/modgw/modgw/internal/faulttest"
)

func TestADescriptorThatIsBrokenAtStartIsServedAsItLastWas(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.tenant(0, "good", ownPage("good", `mount = "/good"`))
	s.tenant(0, "shop", ownPage("shop", `hosts = ["shop.test"]`, `env = { KEY = "secret-of-the-shop" }`))
	s.start()
	s.restart(func() { s.write("apps/shop/modgw.hcl", "app \"shop\" {\n  hosts = [\n") })
	s.wantLog("ready apps=2 failed=1 ", "apps/shop/modgw.hcl")
	s.wantAt("shop.test", "/", "shop")
	s.wantAt("any.test", "/good/", "good")
	wantParts(t, s.mustRun("status", "-c", "modgw.hcl"), "apps/shop/modgw.hcl:")
	if s.status("shop").Failure == nil {
		t.Error("status of the app does not name the mistake")
	}
	kept, err := filepath.Glob(s.path("state/descriptors/*"))
	if err != nil || len(kept) != 2 {
		t.Errorf("kept descriptors: %q, %v", kept, err)
	}
	for _, name := range append(kept, s.path("state/claims.json")) {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}

	for _, server := range []string{"apache", "nginx", "lighttpd"} {
		out, ok := s.run(server, "config", "-c", "modgw.hcl")
		if ok {
			t.Errorf("%s config succeeds with a broken descriptor", server)
		}
		wantParts(t, out, "apps/shop/modgw.hcl:", `app "shop"`)
		if out, ok := s.run(server, "config", "good", "-c", "modgw.hcl"); !ok {
			t.Errorf("%s config of another app fails:\n%s", server, out)
		}
		out, ok = s.run(server, "config", "nonsense", "-c", "modgw.hcl")
		if ok {
			t.Errorf("%s config of an unknown app succeeds", server)
		}
		wantParts(t, out, "MGW-APP-109")
	}

	s.write("apps/shop/modgw.hcl", ownPage("shop", `hosts = ["shop.test"]`, `mount = "/new"`))
	s.eventually("the corrected descriptor is in force", func() bool { _, body := s.at("shop.test", "/new/"); return body == "shop" })

	s.restart(func() {
		if err := os.Remove(s.path("apps/shop/modgw.hcl")); err != nil {
			t.Fatal(err)
		}
	})
	if code, _ := s.at("shop.test", "/"); code != 404 {
		t.Errorf("an app without descriptor answers %d", code)
	}
	s.eventually("nothing of it is kept", func() bool { _, err := os.Stat(kept[1]); return err != nil })
}

func TestAnAppThatNeverWasServedIsUnavailableWhileItsDescriptorIsBroken(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.tenant(0, "good", ownPage("good", `mount = "/good"`))
	s.tenant(0, "shop", ownPage("shop", `hosts = ["shop.test"]`, `env = { A = 1 + }`))
	s.tenant(0, "kiosk", ownPage("kiosk", `hosts = ["kiosk.test"]`, `timeouts { request = "soon" }`))
	s.start()
	s.wantLog("failed=2")
	s.wantAt("any.test", "/good/", "good")
	for _, host := range []string{"shop.test", "kiosk.test"} {
		r, err := http.NewRequest("GET", s.url+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != 503 || response.Header.Get("Retry-After") == "" {
			t.Errorf("%s: %s, Retry-After %q", host, response.Status, response.Header.Get("Retry-After"))
		}
	}
	if state := s.status("kiosk").State; state != "failed" {
		t.Errorf("state %q", state)
	}
	s.write("apps/shop/modgw.hcl", ownPage("shop", `hosts = ["shop.test"]`))
	s.write("apps/kiosk/modgw.hcl", ownPage("kiosk", `hosts = ["kiosk.test"]`))
	for host, want := range map[string]string{"shop.test": "shop", "kiosk.test": "kiosk"} {
		s.eventually(host+" is served", func() bool { _, body := s.at(host, "/"); return body == want })
	}
	if code, _ := s.at("other.test", "/"); code != 404 {
		t.Errorf("an unknown host answers %d when nothing is broken", code)
	}
	s.tenant(0, "late", "nonsense {")
	s.wantLog("apps/late/modgw.hcl:")
	if code, _ := s.at("other.test", "/"); code != 404 {
		t.Errorf("an unknown host answers %d because of a file that has come later", code)
	}
}

func TestAHostWhoseOnlyAppIsBrokenWaitsForItsCorrection(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.tenant(0, "one", ownPage("one", "nonsense = true"))
	s.start()
	s.wantLog("ready apps=1 failed=1")
	if code, _ := s.at("any.test", "/"); code != 503 {
		t.Errorf("it answers %d", code)
	}
	s.write("apps/one/modgw.hcl", ownPage("one"))
	s.eventually("the app is served", func() bool { _, body := s.at("any.test", "/"); return body == "one" })

	if out, ok := s.run("serve", "nothing.hcl", "--listen", "http=127.0.0.1:0", "--state", s.path("other")); ok || !faulttest.Has(out, "MGW-CFG-001") {
		t.Errorf("a host waits for a file that is not there:\n%s", out)
	}
}

func TestCommandsFailForAnAppWhoseDescriptorIsBroken(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.tenant(0, "one", ownPage("one", `mount = "/one"`))
	s.tenant(0, "two", ownPage("two", `mount = "/two"`))
	s.start()
	s.write("apps/one/modgw.hcl", ownPage("one", `mount = "/one"`, "nonsense = true"))
	for _, command := range [][]string{{"reload", "one"}, {"reload", "one", "--wait=false"}, {"reload"}, {"restart", "one"}, {"check"}} {
		out, ok := s.run(append(command, "-c", "modgw.hcl")...)
		if ok {
			t.Errorf("%q succeeds", command)
		}
		wantParts(t, out, "apps/one/modgw.hcl:3:3", "MGW-CFG-004")
	}
	s.wantAt("any.test", "/one/", "one")
	s.mustRun("reload", "two", "-c", "modgw.hcl")
	s.mustRun("restart", "two", "-c", "modgw.hcl")

	s.tenant(0, "three", ownPage("three", `mount = "/three"`, "nonsense = true"))
	s.wantLog("apps/three/modgw.hcl:")
	for _, command := range []string{"reload", "restart", "rollback", "status"} {
		out, ok := s.run(command, "four", "-c", "modgw.hcl")
		if ok {
			t.Errorf("%s of an unknown app succeeds", command)
		}
		wantParts(t, out, "MGW-APP-109")
	}
	for _, command := range []string{"reload", "restart", "rollback"} {
		if out, ok := s.run(command, "three", "-c", "modgw.hcl"); ok {
			t.Errorf("%s of an app that cannot be served succeeds:\n%s", command, out)
		}
	}
	out, ok := s.run("status", "--control", "unix:"+s.path("missing.sock"))
	if ok {
		t.Error("status without a host succeeds")
	}
	wantParts(t, out, "MGW-CMD-002")
}
