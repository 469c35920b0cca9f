// Package wheeltest writes tiny Python packages, so that tests can install from a folder and need
// no index.
//
// It is only for tests.
package wheeltest

import (
	"archive/zip"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// Package describes the package from which a wheel is made.
type Package struct {
	Name     string            // name of the package and of its module, which has __version__
	Version  string            // version (PEP 440)
	Requires []string          // requirements (PEP 508)
	Files    map[string]string // further files, by their path in the wheel
}

// Write writes the wheel into dir and returns its path (Binary Distribution Format).
func Write(t testing.TB, dir string, p Package) string {
	t.Helper()
	info := fmt.Sprintf("%s-%s.dist-info/", p.Name, p.Version)
	metadata := fmt.Sprintf("Metadata-Version: 2.1\nName: %s\nVersion: %s\n", p.Name, p.Version)
	for _, r := range p.Requires {
		metadata += "Requires-Dist: " + r + "\n"
	}
	files := map[string]string{
		p.Name + "/__init__.py": fmt.Sprintf("__version__ = %q\n", p.Version),
		info + "METADATA":       metadata,
		info + "WHEEL":          "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
	}
	maps.Copy(files, p.Files)
	record := ""
	for _, name := range slices.Sorted(maps.Keys(files)) {
		record += name + ",,\n"
	}
	files[info+"RECORD"] = record + info + "RECORD,,\n"

	path := filepath.Join(dir, fmt.Sprintf("%s-%s-py3-none-any.whl", p.Name, p.Version))
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	archive := zip.NewWriter(f)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		w, err := archive.Create(name)
		if err == nil {
			_, err = io.WriteString(w, files[name])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}
