package tests

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/modgw/modgw/internal/exchangetest"
)

// enabledSite creates a site whose descriptors root has linked into a folder.
func enabledSite(t *testing.T) *site {
	needsRoot(t)
	s := newSite(t)
	s.write("modgw.hcl", `
		apps  = ["enabled/*.hcl"]
		state = "state"
		listen "http" { address = "127.0.0.1:0" }
		defaults {
		  reload { settle = "50ms" }
		}
	`)
	return s
}

func (s *site) enable(name, target string) {
	s.t.Helper()
	if err := errors.Join(os.MkdirAll(s.path("enabled"), 0o755), os.Symlink(s.path(target), s.path("enabled/"+name+".hcl"))); err != nil {
		s.t.Fatal(err)
	}
}

// give makes a user the owner of files.
func (s *site) give(uid int, names ...string) {
	s.t.Helper()
	for _, name := range names {
		if err := os.Lchown(s.path(name), uid, uid); err != nil {
			s.t.Fatal(err)
		}
	}
}

func TestDescriptorOfATenantIsWatchedWithTheTenantsRights(t *testing.T) {
	t.Parallel()
	s := enabledSite(t)
	s.tenant(tenantA, "a", ownPage("a", `env = { WHERE = file("where") }`))
	s.write("apps/a/where", "one")
	s.enable("a", "apps/a/modgw.hcl")
	// A pipe in place of a file that the host reads does not block it.
	if err := syscall.Mkfifo(s.path("apps/a/.git"), 0o666); err != nil {
		t.Fatal(err)
	}
	s.give(tenantA, "apps/a/where", "apps/a/.git")
	s.start()
	if status, body := s.get("/"); status != 200 || body != "a" {
		t.Fatalf("got %d %q", status, body)
	}
	generation := func() int { return s.status("a").Generation.Number }
	for _, change := range []func(){
		func() { s.write("apps/a/where", "two") },
		func() { s.write("apps/a/modgw.hcl", ownPage("a", `env = { WHERE = file("where"), MORE = "1" }`)) },
		func() { // by another link
			s.tenant(tenantA, "a2", ownPage("a", `mount = "/two"`))
			link := s.path("enabled/a.hcl")
			if err := errors.Join(os.Symlink(s.path("apps/a2/modgw.hcl"), link+"~"), os.Rename(link+"~", link)); err != nil {
				t.Fatal(err)
			}
		},
	} {
		before := generation()
		change()
		s.eventually("the change is seen", func() bool { return generation() > before })
	}
	if status, body := s.get("/two/"); status != 200 || body != "a2" {
		t.Errorf("got %d %q", status, body)
	}
}

// The host loads a descriptor again and again while its owner exchanges it for links to other
// files.
func TestTenantWhoExchangesADescriptorGetsNoMoreThanTheTenantsRights(t *testing.T) {
	t.Parallel()
	s := enabledSite(t)
	s.write("secret", "root's password {\n")
	s.write("roots/modgw.hcl", "app \"roots\" {\n  cgi { script = \""+s.path("apps/a/id.cgi")+"\" }\n}\n")
	s.tenant(tenantA, "a", "app \"a\" {\n  cgi { script = \"id.cgi\" }\n}\n")
	s.write("apps/a/id.cgi", "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\n'\nid -u\n")
	deep := strings.Repeat("d/", 100)
	if err := errors.Join(
		os.Chmod(s.path("secret"), 0o600), os.Chmod(s.path("apps/a/id.cgi"), 0o755), os.MkdirAll(s.path("apps/a/"+deep), 0o755),
		os.Symlink(s.path("roots/modgw.hcl"), s.path("apps/a/"+deep+"back")), os.Symlink(deep+"back", s.path("apps/a/through")),
		os.Symlink(s.path("secret"), s.path("apps/a/stolen")),
	); err != nil {
		t.Fatal(err)
	}
	s.give(tenantA, "apps/a/id.cgi", "apps/a/through", "apps/a/stolen", "apps/a/d", "apps/a/"+deep+"back")
	s.enable("a", "apps/a/modgw.hcl")
	s.start()
	end := exchangetest.Start(t, tenantA, s.path("apps/a"), "modgw.hcl", "through", "stolen")
	for range 20 {
		s.run("reload", "-c", "modgw.hcl")
		if _, body := s.get("/"); strings.HasPrefix(body, "0") {
			t.Fatalf("the tenant's program ran as root: %q", body)
		}
	}
	end()
	out, _ := s.run("status", "-c", "modgw.hcl")
	if text := s.log.String() + out; strings.Contains(text, "password") {
		t.Errorf("a file of root's was quoted:\n%s", out)
	}
}

func TestStateFolderOfSomebodyElseIsRefused(t *testing.T) {
	t.Parallel()
	needsRoot(t)
	for name, spoil := range map[string]func(dir string) error{
		"another user's": func(dir string) error { return errors.Join(os.Mkdir(dir, 0o755), os.Chown(dir, tenantA, tenantA)) },
		"open to all":    func(dir string) error { return errors.Join(os.Mkdir(dir, 0o755), os.Chmod(dir, 0o777)) },
		"a link": func(dir string) error {
			theirs := dir + ".theirs"
			return errors.Join(os.Mkdir(theirs, 0o755), os.Chown(theirs, tenantA, tenantA), os.Symlink(theirs, dir))
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.tenant(0, "a", ownPage("a"))
			if err := spoil(s.path("state")); err != nil {
				t.Fatal(err)
			}
			out, ok := s.run("serve", "-c", "modgw.hcl")
			if ok || !strings.Contains(out, "state") || !strings.Contains(out, "MGW-") {
				t.Errorf("the host ran:\n%s", out)
			}
			if left, err := filepath.Glob(s.path("state.theirs/*")); err != nil || len(left) > 0 {
				t.Errorf("the host left %q in another user's folder", left)
			}
		})
	}
}
