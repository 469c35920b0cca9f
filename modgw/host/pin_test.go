package host

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/modgw/modgw/modgw"
)

func TestGenerationKeepsTheReleaseItWasMadeFrom(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "releases/1"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("releases/1", filepath.Join(dir, "current")); err != nil {
		t.Fatal(err)
	}
	at := func(name string) string { return filepath.Join(dir, name) }
	d := modgw.Descriptor{
		Root:    at("current"),
		WSGI:    &modgw.WSGI{Entry: at("current/app.wsgi")},
		Python:  modgw.Python{Path: []string{at("current/lib"), "/usr/share/lib"}, Requirements: []string{at("current/r.txt")}},
		Aliases: []modgw.Alias{{Path: "/static", Dir: at("current/static")}, {Path: "/media", Dir: at("shared/media")}},
	}
	want := modgw.Descriptor{
		Root:    at("releases/1"),
		WSGI:    &modgw.WSGI{Entry: at("releases/1/app.wsgi")},
		Python:  modgw.Python{Path: []string{at("releases/1/lib"), "/usr/share/lib"}, Requirements: []string{at("releases/1/r.txt")}},
		Aliases: []modgw.Alias{{Path: "/static", Dir: at("releases/1/static")}, {Path: "/media", Dir: at("shared/media")}},
	}
	if diff := cmp.Diff(want, withResolvedRoot(d)); diff != "" {
		t.Errorf("pinned (-want +got):\n%s", diff)
	}
	if d.WSGI.Entry != at("current/app.wsgi") {
		t.Error("the descriptor itself was changed")
	}
}
