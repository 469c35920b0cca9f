package workers

import (
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/modgw/modgw/internal/sandbox"
	"github.com/modgw/modgw/internal/sandbox/learn"
)

func TestLearnedUsesBecomeASandboxBlock(t *testing.T) {
	granted := []sandbox.Grant{{Path: "/usr"}, {Path: "/app"}, {Path: "/dev/null", Write: true}, {Path: "/tmp", Write: true}}
	read := func(path string) learn.Use { return learn.Use{Path: path} }
	write := func(path string) learn.Use { return learn.Use{Path: path, Write: true} }
	for name, c := range map[string]struct {
		uses []learn.Use
		want string
	}{
		"nothing": {nil, "sandbox {\n  write = []\n}\n"},
		"what is granted anyway": {
			[]learn.Use{read("/usr/lib/x"), read("/app/app.py"), write("/dev/null"), write("/tmp/a"), read("/"), write("/app/__pycache__")},
			"sandbox {\n  write = []\n}\n",
		},
		"a file, a folder of many, and packages": {
			[]learn.Use{
				read("/home/a/key"), read("/srv/media/1"), read("/srv/media/2"), read("/srv/media/3"), read("/srv/media/sub/4"),
				read("/home/a/lib/site-packages/x/y.py"), read("/home/a/lib/site-packages/z.py"),
			},
			"sandbox {\n  read = [\n    \"/home/a/key\",\n    \"/home/a/lib/site-packages\",\n    \"/srv/media\",\n  ]\n  write = []\n}\n",
		},
		"what is changed": {
			[]learn.Use{write("/app/var"), write("/app/var/db.sqlite3"), read("/srv/data/in"), write("/srv/data")},
			"sandbox {\n  write = [\n    \"/app/var\",\n    \"/srv/data\",\n  ]\n}\n",
		},
		"connections": {
			[]learn.Use{{To: netip.MustParseAddrPort("10.0.0.5:5432")}, {To: netip.MustParseAddrPort("[::1]:6379")}},
			"sandbox {\n  write = []\n  network = [\n    \"10.0.0.5:5432\",\n    \"[::1]:6379\",\n  ]\n}\n",
		},
		"a name that means something in descriptors": {
			[]learn.Use{read("/srv/${x}\"")}, "sandbox {\n  read = [\n    \"/srv/$${x}\\\"\",\n  ]\n  write = []\n}\n",
		},
	} {
		var n needs
		for _, use := range c.uses {
			n.add(use, granted)
		}
		if got := n.block(); got != c.want {
			t.Errorf("%s:\n%s", name, got)
		}
	}
}

func TestLearnedListIsKept(t *testing.T) {
	folder := t.TempDir()
	for _, path := range []string{"/srv/one", "/srv/two"} {
		l := newLearner(folder, nil, slog.New(slog.DiscardHandler))
		l.note(learn.Use{Path: path})
		l.close()
	}
	const want = "sandbox {\n  read = [\n    \"/srv/one\",\n    \"/srv/two\",\n  ]\n  write = []\n}\n"
	if text, err := os.ReadFile(filepath.Join(folder, learnedFile)); err != nil || string(text) != want {
		t.Errorf("%s %v", text, err)
	}
}
