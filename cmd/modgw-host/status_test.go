package main

import (
	"testing"

	"github.com/modgw/modgw/modgw"
)

func TestStatusShowsWhatIsInstalled(t *testing.T) {
	var packages []modgw.Package
	for range mostPackages + 3 {
		packages = append(packages, modgw.Package{Name: "p", Version: "1"})
	}
	for n, want := range map[int]string{1: "p 1", 2: "p 1, p 1", mostPackages + 3: "p 1, p 1, p 1, p 1, p 1, p 1, p 1, p 1, p 1, p 1, p 1, p 1 and 3 more"} {
		if got := installed(packages[:n]); got != want {
			t.Errorf("%d packages: %q", n, got)
		}
	}
}
