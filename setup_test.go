package manual_test

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// Texts of tests that name a Debian package: the hint of a message, or the last argument of a
// helper.
var (
	installHint     = regexp.MustCompile(`apt install ([a-z0-9.+ -]+)"`)
	neededPackage   = regexp.MustCompile(`\b(?:Require|apacheModule)\([^\n]*?, "([a-z0-9.+ -]+)"\)`)
	callOfHelper    = regexp.MustCompile(`\b(?:fronttest\.Require|\.apacheModule)\(.*`)
	listsOfPackages = regexp.MustCompile(`(?s)\nrun=\((.*?)\)\ntest=\("\$\{run\[@\]\}" (.*?)\)\n`)
)

// TestSetupInstallsWhatTestsNeed compares the packages that tests ask for with those that
// scripts/setup installs: on a machine that has nothing yet, a test that misses one fails.
func TestSetupInstallsWhatTestsNeed(t *testing.T) {
	script, err := os.ReadFile("scripts/setup")
	if err != nil {
		t.Fatal(err)
	}
	lists := listsOfPackages.FindSubmatch(script)
	if lists == nil {
		t.Fatal("scripts/setup has no lists of packages")
	}
	installed := map[string]bool{"golang-go": true} // the script has several ways to a Go
	for _, name := range strings.Fields(string(lists[1]) + " " + string(lists[2])) {
		installed[name] = true
	}
	out, err := exec.Command("git", "ls-files", "--cached", "--others", "--exclude-standard", "--", "*_test.go", "internal/fronttest/*.go").Output()
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	for _, file := range strings.Fields(string(out)) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if !strings.Contains(line, "apt install ") && !strings.Contains(line, "Require(") && !strings.Contains(line, "apacheModule(") {
				continue // none of the patterns fits, and trying them takes long
			}
			if call := callOfHelper.FindString(line); call != "" && !neededPackage.MatchString(call) {
				t.Errorf("%s: name the package of Debian as a literal: %s", file, call)
			}
			for _, pattern := range []*regexp.Regexp{installHint, neededPackage} {
				for _, found := range pattern.FindAllStringSubmatch(line, -1) {
					for _, name := range strings.Fields(found[1]) {
						asked++
						if !installed[name] {
							t.Errorf("%s needs package %s, which scripts/setup does not install", file, name)
						}
					}
				}
			}
		}
	}
	if asked < 40 {
		t.Errorf("tests name only %d packages: the patterns of this test do not fit any more", asked)
	}
}
