package venv

import (
	"cmp"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	pep440 "github.com/aquasecurity/go-pep440-version"
)

func (h hostEnviron) pyenvRoot() string {
	if root := h["PYENV_ROOT"]; root != "" {
		return root
	}
	return filepath.Join(h["HOME"], ".pyenv")
}

// pyenvGlobal returns the bin folder of pyenv's global version, or "".
func (h hostEnviron) pyenvGlobal() string {
	data, err := os.ReadFile(filepath.Join(h.pyenvRoot(), "version"))
	names := strings.Fields(string(data))
	if err != nil || len(names) == 0 || !filepath.IsLocal(names[0]) {
		return ""
	}
	return filepath.Join(h.pyenvRoot(), "versions", names[0], "bin")
}

// pyenvPythons are the interpreters that pyenv installed, newest first.
func (h hostEnviron) pyenvPythons() []string {
	versions := filepath.Join(h.pyenvRoot(), "versions")
	entries, _ := os.ReadDir(versions) // a host without pyenv has none
	slices.SortStableFunc(entries, func(a, b fs.DirEntry) int { return compareVersions(b.Name(), a.Name()) })
	var list []string
	for _, e := range entries {
		list = append(list, filepath.Join(versions, e.Name(), "bin", "python"))
	}
	return list
}

// compareVersions orders names of pyenv versions; other names come first.
func compareVersions(a, b string) int {
	va, errA := pep440.Parse(a)
	vb, errB := pep440.Parse(b)
	if errA != nil || errB != nil {
		return cmp.Or(cmp.Compare(btoi(errA == nil), btoi(errB == nil)), cmp.Compare(a, b))
	}
	return va.Compare(vb)
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
