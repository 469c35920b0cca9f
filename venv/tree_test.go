package venv

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// TestFileThatCannotBeExaminedIsAnError closes a file, so that examining it fails as on a network
// file system that lost it.
func TestFileThatCannotBeExaminedIsAnError(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "app.py"))
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	if sum, size, err := digestOpen(f, maxTreeSize); !errors.Is(err, os.ErrClosed) || sum != "" || size != 0 {
		t.Errorf("got %q, %d bytes, %v", sum, size, err)
	}
}
