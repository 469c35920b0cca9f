package safepath

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func TestProgramsAreFoundInTheFirstPathThatHasThem(t *testing.T) {
	base := t.TempDir()
	for name, mode := range map[string]fs.FileMode{"plain/tool": 0o644, "first/tool": 0o755, "last/tool": 0o755, "folders/tool/x": 0o755} {
		file := filepath.Join(base, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, nil, mode)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("../first/tool", filepath.Join(base, "last/linked")); err != nil {
		t.Fatal(err)
	}
	in := func(folders ...string) []string {
		path := "PATH=relative"
		for _, f := range folders {
			path += ":" + filepath.Join(base, f)
		}
		return []string{"HOME=/", path}
	}
	for _, c := range []struct {
		name string
		env  []string
		want string // relative to base; "": it is not found
	}{
		{"tool", in("none", "plain", "folders", "first", "last"), "first/tool"},
		{"linked", in("first", "last"), "last/linked"},
		{"tool", in("plain", "folders"), ""},
		{"tool", []string{"HOME=" + base}, ""},
		{"./none", in("first"), "none"}, // a name with a slash is not looked for
		{filepath.Join(base, "last/tool"), nil, "last/tool"},
	} {
		got, err := Opener{}.FindProgram(c.name, base, c.env)
		if c.want == "" {
			if got != "" || !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%q in %q: %q, %v", c.name, c.env, got, err)
			}
		} else if got != filepath.Join(base, c.want) || err != nil {
			t.Errorf("%q in %q: %q, %v; want %q", c.name, c.env, got, err, c.want)
		}
	}
}
