package runnertest

import (
	"os"
	"path/filepath"
	"testing"
)

// OpenFolders lets every user enter folders of a test, which are below the temporary folder that
// all tests share.
func OpenFolders(t testing.TB, folders ...string) {
	t.Helper()
	for _, dir := range folders {
		for ; dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
			if err := os.Chmod(dir, 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
}
