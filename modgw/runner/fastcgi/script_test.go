package fastcgi

import (
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/modgw/modgw/internal/files"
)

// FuzzFind checks that any path finds only a script in the folder, at a boundary of the path, and
// that no part of the path is lost.
func FuzzFind(f *testing.F) {
	for _, p := range []string{
		"/", "/a.php", "/a.php/x", "/picture.png/a.php", "/dir/", "/dir", "//a.php", "/a.php%0a", "/../secret.php", "/dir/../a.php",
		"/ȺȺ.php", "/a.PHP", "/a.php.", "/dir/b.php/../..", "/a.php\x00.png", "", "/./a.php", "/link.php", "/dir/b.php//c",
	} {
		f.Add(p)
	}
	outside := f.TempDir()
	dir := filepath.Join(outside, "root")
	if err := os.MkdirAll(filepath.Join(dir, "dir"), 0o755); err != nil {
		f.Fatal(err)
	}
	known := map[string]bool{"/index.php": true, "/a.php": true, "/dir/b.php": true, "/dir/index.php": true}
	for name := range known {
		if err := writeFile(dir+name, ""); err != nil {
			f.Fatal(err)
		}
	}
	for name, text := range map[string]string{"/root/picture.png": "", "/secret.php": ""} {
		if err := writeFile(outside+name, text); err != nil {
			f.Fatal(err)
		}
	}
	if err := os.Symlink("../secret.php", dir+"/link.php"); err != nil {
		f.Fatal(err)
	}
	s := &scripts{folder: files.Folder{Dir: dir}, index: "index.php", local: true}
	f.Fuzz(func(t *testing.T, whole string) {
		if !strings.HasPrefix(whole, "/") {
			return // no path of a request
		}
		name, rest, err := s.find(whole)
		if err != nil {
			return
		}
		if !known[path.Clean(name)] {
			t.Fatalf("%q: script %q", whole, name)
		}
		if rest != "" && (name+rest != whole || rest[0] != '/') {
			t.Fatalf("%q: %q and %q", whole, name, rest)
		}
	})
}

func FuzzGuess(f *testing.F) {
	f.Add("/a.php/x")
	f.Add("/x/")
	f.Fuzz(func(t *testing.T, whole string) {
		if !strings.HasPrefix(whole, "/") || !clean(whole) {
			return
		}
		name, rest := (&scripts{index: "index.php"}).guess(whole)
		if !strings.HasSuffix(name, extension) || rest != "" && name+rest != whole {
			t.Fatalf("%q: %q and %q", whole, name, rest)
		}
	})
}
