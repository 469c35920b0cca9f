package mistake

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/modgw/modgw/modgw"
)

func TestMistakesThatProgramsPrintAreFound(t *testing.T) {
	root := t.TempDir()
	for name, text := range map[string]string{
		"main.go":   "package main\n\nfunc main() {\n\tundefined()\n}\n",
		"server.js": "const a = 1;\n\nfoo(;\n",
	} {
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	outside := filepath.Join(t.TempDir(), "secret.js")
	if err := os.WriteFile(outside, []byte("secret\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(root, "link.js")); err != nil {
		t.Fatal(err)
	}
	calls := "\n    at wrapSafe (node:internal/modules/cjs/loader:1464:18)\n    at Object.<anonymous> (" + root + "/node_modules/x/index.js:1:1)" +
		"\n    at Object.<anonymous> (" + root + "/server.js:3:5)\n"
	for name, c := range map[string]struct {
		output, title, message, file string
		line, lines                  int
	}{
		"the Go compiler":          {"# example.com/shop\n./main.go:4:2: undefined: undefined\n", "build error", "undefined: undefined", "main.go", 4, 5},
		"the parser of Node":       {root + "/server.js:3\nfoo(;\n    ^\n\nSyntaxError: Unexpected token ';'\n    at x\n", "SyntaxError", "Unexpected token ';'", "server.js", 3, 3},
		"a module of Node":         {"file://" + root + "/server.js:3\nfoo(;\n\nSyntaxError: Unexpected\n", "SyntaxError", "Unexpected", "server.js", 3, 3},
		"an exception of Node":     {"node:internal:1143\n  throw err;\n\nError: Cannot find module 'x'" + calls, "Error", "Cannot find module 'x'", "server.js", 3, 3},
		"a link that leads out":    {root + "/link.js:1\n\nSyntaxError: no\n", "SyntaxError", "no", "link.js", 1, 0},
		"a line that is not there": {"./main.go:99: odd\n", "build error", "odd", "main.go", 99, 0},
	} {
		found := Find(c.output, modgw.Descriptor{Root: root})
		if len(found) != 1 || len(found[0].Frames) != 1 {
			t.Errorf("%s: %+v", name, found)
			continue
		}
		e, f := found[0], found[0].Frames[0]
		if e.Type != c.title || e.Message != c.message || f.File != filepath.Join(root, c.file) || f.Line != c.line || len(f.Source) != c.lines || !f.Own {
			t.Errorf("%s: %+v", name, e)
		}
	}
	for _, output := range []string{"", "no error here", outside + ":1\n\nSyntaxError: outside\n"} {
		if found := Find(output, modgw.Descriptor{Root: root}); found != nil {
			t.Errorf("%q: %+v", output, found)
		}
	}
}
