package venv

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/modgw/modgw/modgw"
)

// goSite returns a site with a Go module that has a program in cmd/shop.
func goSite(t *testing.T) (*site, modgw.Descriptor) {
	t.Helper()
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip(err)
	}
	s := newSite(t)
	s.environ = append(s.environ, "GOPROXY=off", "GOFLAGS=-mod=mod", "GOTOOLCHAIN=local")
	s.state = filepath.Join(sharedFolder(), "go")
	if err := fillGoCache(); err != nil {
		t.Fatal(err)
	}
	s.write("go.mod", "module example.com/shop\n\ngo 1.21\n")
	s.write("cmd/shop/main.go", "package main\n\nimport _ \"embed\"\n\n//go:embed greeting.txt\nvar greeting string\n\nfunc main() { print(greeting) }\n")
	s.write("cmd/shop/greeting.txt", "hello")
	return s, modgw.Descriptor{Name: "shop", Kind: modgw.KindGo, Root: s.root, Go: &modgw.Go{Package: "./cmd/shop"}}
}

// fillGoCache copies the standard library, which takes longest to compile, from the machine's build
// cache to the cache of the sites with Go.
var fillGoCache = sync.OnceValue(func() error {
	folder, err := exec.Command("go", "env", "GOCACHE").Output()
	if err != nil {
		return err
	}
	ours := strings.TrimSpace(string(folder))
	theirs := filepath.Join(sharedFolder(), "go", "cache", strconv.Itoa(os.Getuid()), "go-build")
	build := exec.Command("go", "build", "-trimpath", "runtime", "embed")
	// It prints the names of the entries that it uses.
	build.Env = append(os.Environ(), "GOFLAGS=", "GODEBUG=gocachehash=1")
	out, err := build.CombinedOutput()
	if err != nil {
		return err
	}
	for _, id := range regexp.MustCompile(`\b[0-9a-f]{64}\b`).FindAllString(string(out), -1) {
		entry, err := os.ReadFile(goCacheFile(ours, id, "-a"))
		fields := strings.Fields(string(entry)) // version, name, and name of the content
		if err != nil || len(fields) < 3 {
			continue // the name of something else
		}
		content, err := os.ReadFile(goCacheFile(ours, fields[2], "-d"))
		if err != nil {
			return err
		}
		for path, data := range map[string][]byte{goCacheFile(theirs, id, "-a"): entry, goCacheFile(theirs, fields[2], "-d"): content} {
			if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, data, 0o644)); err != nil {
				return err
			}
		}
	}
	return nil
})

func goCacheFile(cache, name, kind string) string { return filepath.Join(cache, name[:2], name+kind) }

func runProgram(t *testing.T, env *modgw.Environment) string {
	t.Helper()
	out, err := exec.Command(env.Binary).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}

func TestGoProgramIsBuiltFromItsModule(t *testing.T) {
	t.Parallel()
	s, d := goSite(t)
	env := s.mustBuild(d)
	if got := runProgram(t, env); got != "hello" {
		t.Errorf("the program says %q", got)
	}
	if env.Binary != filepath.Join(env.Dir, "bin/shop") || !strings.HasPrefix(env.Version, "go1.") || env.Source != "go.mod" || env.Interpreter != "" {
		t.Errorf("got %+v", env)
	}
	if again := s.mustBuild(d); again.ID != env.ID || again.Took != 0 || again.Binary != env.Binary {
		t.Errorf("got %+v", again)
	}
	for name, content := range map[string]string{"cmd/shop/main_test.go": "package main\n", "README.md": "", ".git/x.go": "", "testdata/y.go": ""} {
		s.write(name, content)
		if s.fingerprint(d) != env.ID {
			t.Errorf("%s made another environment", name)
		}
	}
	s.write("cmd/shop/greeting.txt", "good day")
	changed := s.mustBuild(d)
	if got := runProgram(t, changed); got != "good day" || changed.ID == env.ID {
		t.Errorf("%s says %q", changed.ID, got)
	}
	if got := runProgram(t, env); got != "hello" {
		t.Errorf("the old program says %q", got)
	}
	s.environ = append(s.environ, "GOAMD64=v2")
	if s.fingerprint(d) == changed.ID {
		t.Error("another setting made no other environment")
	}
}

func TestGoModulesBesideTheAppCount(t *testing.T) {
	s, d := goSite(t)
	other := newSite(t)
	other.write("go.mod", "module example.com/words\n\ngo 1.21\n")
	other.write("words.go", "package words\n\nconst Hello = \"hello\"\n")
	s.write("go.mod", "module example.com/shop\n\ngo 1.21\n\nrequire example.com/words v0.0.0\n\nreplace example.com/words => "+other.root+"\n")
	s.write("cmd/shop/main.go", "package main\n\nimport \"example.com/words\"\n\nfunc main() { print(words.Hello) }\n")
	env := s.mustBuild(d)
	if got := runProgram(t, env); got != "hello" || len(env.Packages) != 1 || env.Packages[0].Name != "example.com/words" {
		t.Errorf("%q, packages %v", got, env.Packages)
	}
	other.write("words.go", "package words\n\nconst Hello = \"good day\"\n")
	if got := runProgram(t, s.mustBuild(d)); got != "good day" {
		t.Errorf("the program says %q", got)
	}
	if !strings.Contains(strings.Join(s.builder().Inputs(d), "\n"), other.root+"/go.mod") {
		t.Error("the neighbour's go.mod is not watched")
	}
	s.write("go.mod", "module example.com/shop\n\ngo 1.21\n")
	s.write("go.work", "go 1.21\n\nuse (\n\t.\n\t"+other.root+"\n)\n")
	s.environ = append(s.environ, "GOFLAGS=")
	if env := s.mustBuild(d); env.Source != "go.work" {
		t.Errorf("built from %s", env.Source)
	}
}

func TestGoProgramsThatCannotBeBuilt(t *testing.T) {
	s, d := goSite(t)
	good := s.mustBuild(d)
	for _, c := range []struct {
		name  string
		spoil func()
		code  string
		wants []string
	}{
		{"mistake", func() { s.write("cmd/shop/main.go", "package main\n\nfunc main() { say() }\n") }, "MGW-ENV-026",
			[]string{"cmd/shop/main.go:3:15: undefined: say"}},
		{"no program", func() { s.write("cmd/shop/main.go", "package shop\n") }, "MGW-ENV-026", []string{`"./cmd/shop" is not a main package`}},
		{"missing module", func() {
			s.write("cmd/shop/main.go", "package main\n\nimport \"example.com/none\"\n\nfunc main() { none.X() }\n")
		}, "MGW-ENV-012", []string{"GOPROXY"}},
		{"no package", func() { d.Go = &modgw.Go{Package: "./none"} }, "MGW-ENV-026", []string{"none"}},
		{"other version", func() { s.write("go.mod", "module example.com/shop\n\ngo 1.99\n") }, "MGW-ENV-027", []string{"1.99"}},
		{"no go", func() { s.environ[0] = "PATH=/nonexistent" }, "MGW-ENV-027", []string{"without Go"}},
	} {
		if c.name == "no go" {
			if _, err := os.Stat("/usr/local/go/bin/go"); err == nil {
				continue
			}
		}
		c.spoil()
		f := s.mustFail(d, c.code)
		for _, want := range c.wants {
			if !strings.Contains(f.Error(), want) {
				t.Errorf("%s: no %q in %v", c.name, want, f)
			}
		}
	}
	if got := runProgram(t, good); got != "hello" {
		t.Errorf("the old program says %q", got)
	}
}

func TestGoProgramIsBuiltAsTheAppsUser(t *testing.T) {
	t.Parallel()
	s, owned, uid := ownedSite(t)
	tool, err := exec.LookPath("go")
	if err != nil {
		t.Skip(err)
	}
	needTool(t, uid, tool, "/usr/local/go/bin/go")
	from, d := goSite(t)
	if err := os.CopyFS(s.root, os.DirFS(from.root)); err != nil {
		t.Fatal(err)
	}
	s.state, s.environ = from.state, from.environ
	s.mustBuild(d)
	s.copyGoCache(int(uid))
	d.Root, d.User = s.root, owned.User
	env := s.mustBuild(d)
	info, err := os.Stat(env.Binary)
	if err != nil || ownerOf(info) != int(uid) {
		t.Errorf("the program belongs to user %d, %v", ownerOf(info), err)
	}
	if got := runProgram(t, env); got != "hello" {
		t.Errorf("the program says %q", got)
	}
}

// copyGoCache copies the build cache of the test's own user to another user: compiling the standard
// library takes longest.
func (s *site) copyGoCache(uid int) {
	s.t.Helper()
	cache := filepath.Join(s.state, "cache")
	theirs := filepath.Join(cache, strconv.Itoa(uid))
	if err := os.CopyFS(filepath.Join(theirs, "go-build"), os.DirFS(filepath.Join(cache, strconv.Itoa(os.Getuid()), "go-build"))); err != nil {
		s.t.Fatal(err)
	}
	err := filepath.WalkDir(theirs, func(path string, _ os.DirEntry, err error) error {
		return errors.Join(err, os.Chown(path, uid, uid))
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

func TestCommentIsNoModuleBesideTheApp(t *testing.T) {
	s := newSite(t)
	s.write("go.mod", "module x\n\n// a comment\nreplace (\n\t// another\n\ta => ../a\n\tb => /srv/b // why\n)\n")
	s.write("go.work", "use (\n\t.\n\t./c\n)\nuse ../d\n")
	got := neighbours(s.root, nil)
	want := []string{filepath.Join(s.root, "../a"), "/srv/b", filepath.Join(s.root, "c"), filepath.Join(s.root, "../d")}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
