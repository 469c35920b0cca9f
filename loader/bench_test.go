package loader

import (
	"fmt"
	"path/filepath"
	"testing"
)

// BenchmarkLoadAll loads a thousand descriptors; the table of blocks is made again for each of
// them.
func BenchmarkLoadAll(b *testing.B) {
	dir := b.TempDir()
	write(b, filepath.Join(dir, "app.wsgi"), "")
	for i := range 1000 {
		write(b, filepath.Join(dir, fmt.Sprintf("app%d.hcl", i)), fmt.Sprintf("app \"app%d\" {\n  mount = \"/app%d\"\n  wsgi { entry = \"app.wsgi\" }\n  env = { A = \"1\", B = upper(app.name) }\n}\n", i, i))
	}
	for b.Loop() {
		if _, diags := LoadAll([]string{dir}, Options{}); diags.HasErrors() {
			b.Fatal(diags.Err())
		}
	}
}
