package tests

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Users without apps on the machine that the tests run on.
const (
	tenantA = 1 // daemon
	tenantB = 2 // bin
)

// ownPage returns a descriptor of a static app with a single page in public.
func ownPage(name string, settings ...string) string {
	return fmt.Sprintf("app %q {\n  %s\n  static { dir = \"public\" }\n}\n", name, strings.Join(settings, "\n  "))
}

// tenant adds a user's static app atomically. Its page contains the name of its folder.
func (s *site) tenant(uid int, folder, descriptor string) {
	s.t.Helper()
	s.write("new/"+folder+"/public/index.html", folder)
	s.write("new/"+folder+"/modgw.hcl", descriptor)
	err := filepath.WalkDir(s.path("new/"+folder), func(path string, _ os.DirEntry, err error) error {
		if err == nil && uid != 0 {
			err = os.Lchown(path, uid, uid)
		}
		return err
	})
	if err == nil {
		err = os.MkdirAll(s.path("apps"), 0o755)
	}
	if err == nil {
		err = os.Rename(s.path("new/"+folder), s.path("apps/"+folder))
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// restart ends the host, calls meanwhile, and starts it again.
func (s *site) restart(meanwhile func()) {
	s.t.Helper()
	s.mustRun("stop", "-c", "modgw.hcl")
	s.eventually("the host has ended", func() bool { return syscall.Kill(s.pid, 0) != nil })
	meanwhile()
	s.log = &output{}
	s.start()
}

// at requests a page of a host name.
func (s *site) at(host, path string) (int, string) {
	s.t.Helper()
	r, err := http.NewRequest("GET", s.url+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	r.Host = host
	return s.send(r)
}

func (s *site) wantAt(host, path, want string) {
	s.t.Helper()
	if code, body := s.at(host, path); code != 200 || body != want {
		s.t.Errorf("http://%s%s: %d %q, want %q", host, path, code, body, want)
	}
}

func (s *site) wantLog(parts ...string) {
	s.t.Helper()
	for _, part := range parts {
		s.eventually(fmt.Sprintf("the log says %q", part), func() bool { return strings.Contains(s.log.String(), part) })
	}
}

func wantParts(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("no %q in\n%s", part, text)
		}
	}
}

func needsRoot(t *testing.T) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can serve apps of several users")
	}
}

func TestAnAppKeepsItsNameAndHostWhateverAnotherUsersFileSays(t *testing.T) {
	t.Parallel()
	needsRoot(t)
	s := newSite(t)
	s.tenant(tenantB, "m", ownPage("b", `hosts = ["b.test"]`))
	s.start()
	s.wantAt("b.test", "/", "m")

	for _, newcomer := range []struct{ folder, descriptor, code, path string }{
		{"a1", ownPage("b", `hosts = ["a.test"]`), "MGW-CFG-008", "/"},
		{"a2", ownPage("a2", `hosts = ["b.test"]`), "MGW-CFG-009", "/"},
		{"a3", ownPage("a3", `hosts = ["b.test"]`, `mount = "/login"`), "MGW-CFG-025", "/login/"},
		{"a4", ownPage("a4", `hosts = ["*.test"]`), "MGW-CFG-025", "/"},
	} {
		s.tenant(tenantA, newcomer.folder, newcomer.descriptor)
		file := "apps/" + newcomer.folder + "/modgw.hcl"
		s.wantLog(file + ":")
		for _, out := range []string{s.mustRun("status", "-c", "modgw.hcl"), s.log.String()} {
			wantParts(t, out, file, newcomer.code, "apps/m/modgw.hcl:1:5")
		}
		out, ok := s.run("check", "-c", "modgw.hcl")
		if ok {
			t.Errorf("check is content with %s:\n%s", file, out)
		}
		wantParts(t, out, file, newcomer.code, "apps/m/modgw.hcl:1:5")
		s.wantAt("b.test", "/", "m")
		if _, body := s.at("b.test", newcomer.path); body == newcomer.folder {
			t.Errorf("%s answers for b.test", file)
		}
	}
	if code, _ := s.at("a.test", "/"); code != 404 {
		t.Errorf("a refused app answers: %d", code)
	}

	s.restart(func() {})
	s.wantLog("ready apps=5 failed=4 ")
	s.wantAt("b.test", "/", "m")
	for _, folder := range []string{"a1", "a2", "a3", "a4"} {
		if out, ok := s.run("check", "apps/"+folder, "-c", "modgw.hcl"); ok {
			t.Errorf("check of one file is content with %s:\n%s", folder, out)
		}
	}

	if err := os.Remove(s.path("apps/m/modgw.hcl")); err != nil {
		t.Fatal(err)
	}
	s.eventually("a newcomer has the place that became free", func() bool { _, body := s.at("b.test", "/"); return body == "a2" })
}

func TestAnAppKeepsItsPlaceAgainstAFileThatComesFirst(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.tenant(0, "m", ownPage("m"))
	s.start()
	s.restart(func() {
		s.tenant(0, "a", ownPage("a"))
		if out, ok := s.run("check", "-c", "modgw.hcl"); ok {
			t.Errorf("check is content with what will be refused:\n%s", out)
		}
		s.write("other.hcl", "apps  = [\"apps/a/modgw.hcl\"]\nstate = \"state\"\n")
		s.mustRun("check", "-c", "other.hcl") // a host that would not have the other app
	})
	s.wantAt("any.test", "/", "m")
	s.wantLog("failed=1")

	s.restart(func() {
		if err := os.Rename(s.path("apps/m"), s.path("apps/z")); err != nil {
			t.Fatal(err)
		}
	})
	s.wantAt("any.test", "/", "m")

	s.restart(func() {
		if err := os.RemoveAll(s.path("apps/z")); err != nil {
			t.Fatal(err)
		}
	})
	s.wantAt("any.test", "/", "a")
}

// F50: the host ignores damaged parts of its saved state.
func TestF50DamagedClaimsAreIgnored(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.tenant(0, "m", ownPage("m", `mount = "/m"`))
	s.start()
	s.restart(func() {
		if err := os.WriteFile(s.path("state/claims.json"), []byte("\x00\x00\x00"), 0o600); err != nil {
			t.Fatal(err)
		}
		descriptors, err := filepath.Glob(s.path("state/descriptors/*"))
		if err != nil || len(descriptors) != 1 {
			t.Fatalf("kept descriptors: %q, %v", descriptors, err)
		}
		if err := os.WriteFile(descriptors[0], nil, 0o600); err != nil {
			t.Fatal(err)
		}
	})
	s.wantLog("kept claims not used")
	s.wantAt("any.test", "/m/", "m")
	s.restart(func() { s.write("apps/m/modgw.hcl", ownPage("m", `mount = "/m"`, "nonsense = 1")) })
	s.wantAt("any.test", "/m/", "m")
}

func TestAppsThatExchangePlacesInOneChangeLoseNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.tenant(0, "a", ownPage("a", `mount = "/1"`))
	s.tenant(0, "b", ownPage("b", `mount = "/2"`))
	s.start()
	for round := range 3 {
		one, two := "/2", "/1"
		if round%2 == 1 {
			one, two = two, one
		}
		s.write("apps/a/modgw.hcl", ownPage("a", `mount = "`+one+`"`))
		s.write("apps/b/modgw.hcl", ownPage("b", `mount = "`+two+`"`))
		s.eventually("they have exchanged their mounts", func() bool {
			for path, want := range map[string]string{one + "/": "a", two + "/": "b"} {
				code, body := s.get(path)
				if code != 200 {
					t.Fatalf("%s: %d while apps exchange places", path, code)
				}
				if body != want {
					return false
				}
			}
			return true
		})
	}
	s.write("apps/a/modgw.hcl", ownPage("a", `mount = "/3"`))
	s.tenant(0, "c", ownPage("c", `mount = "/2"`))
	s.eventually("a new app has the place that one left", func() bool { _, body := s.get("/2/"); return body == "c" })
	s.eventually("which has moved", func() bool { _, body := s.get("/3/"); return body == "a" })
}

func TestAnAppIsDeployedWhenThePlaceThatItWaitsForBecomesFree(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write("apps/b/app.py", answering("b"))
	s.write("apps/b/modgw.hcl", mounted("b", "/b"))
	s.tenant(0, "a", ownPage("a", `mount = "/a"`))
	s.start()
	s.write("apps/b/app.py", "nonsense(")
	s.eventually("the other app's code is broken", func() bool { return s.status("b").Failure != nil })
	s.write("apps/a/modgw.hcl", ownPage("a", `mount = "/b"`))
	s.write("apps/b/modgw.hcl", mounted("b", "/a"))
	s.eventually("status tells what it waits for", func() bool {
		f := s.status("a").Failure
		return f != nil && f.Code == "MGW-APP-108"
	})
	for path, want := range map[string]string{"/a/": "a", "/b/": "b"} {
		if code, body := s.get(path); code != 200 || body != want {
			t.Errorf("%s: %d %q, want %q", path, code, body, want)
		}
	}
	s.write("apps/b/app.py", answering("b"))
	s.eventually("both have moved", func() bool {
		_, b := s.get("/a/")
		_, a := s.get("/b/")
		return a == "a" && b == "b"
	})
}
