package venv

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/modgw/modgw/modgw"
)

// installedPackages lists the distributions in a virtual environment by the folders that the
// installer leaves for each (PEP 376), which costs no process.
func installedPackages(dir string) ([]modgw.Package, error) {
	pythons, err := os.ReadDir(filepath.Join(dir, "lib"))
	if err != nil {
		return nil, err
	}
	packages := []modgw.Package{}
	for _, python := range pythons {
		// Other folders, such as pkgconfig, have no packages.
		entries, _ := os.ReadDir(filepath.Join(dir, "lib", python.Name(), "site-packages"))
		for _, e := range entries {
			base, ok := strings.CutSuffix(e.Name(), ".dist-info")
			name, version, found := strings.Cut(base, "-")
			if ok && found {
				packages = append(packages, modgw.Package{Name: normalName(name), Version: version})
			}
		}
	}
	slices.SortFunc(packages, func(a, b modgw.Package) int { return strings.Compare(a.Name, b.Name) })
	return packages, nil
}

// normalName is the name as PEP 503 writes it.
func normalName(name string) string {
	return strings.ToLower(strings.NewReplacer("_", "-", ".", "-").Replace(name))
}
