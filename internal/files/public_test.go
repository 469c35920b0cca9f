package files

import (
	"regexp"
	"strings"
	"testing"
)

func TestWhatIsHiddenMatchesThePatternForWebServers(t *testing.T) {
	// Go has no look-ahead: the exception for /.well-known/ is removed, and checked here.
	pattern := regexp.MustCompile(strings.Replace(HiddenBelow("/static/"), "(?!well-known(?:/|$))", "", 1))
	for name, want := range map[string]bool{
		"a.txt": false, "a/b.css": false, "a~b": false, "a.bakery": false, "a#b": false, "phpinfo.txt": false,
		".env": true, ".git/config": true, "a/.hidden/b": true, "a/.env": true, "a~": true, "a/b.css~": true, "a.bak": true,
		"a.ORIG": true, "#a#": true, "a/#b#": true, "x.php": true, "x.PHP": true, "x.phtml": true, ".well-knowns": true,
		"modgw.hcl": true, "a/Modgw.HCL": true, "my-modgw.hcl": false, "modgw.hcl.txt": false, "main.hcl": false,
	} {
		if got := !Public(name); got != want {
			t.Errorf("%q is hidden: %t", name, got)
		}
		if got := pattern.MatchString("/static/" + name); got != want {
			t.Errorf("the pattern matches %q: %t", name, got)
		}
	}
	if !Public(".well-known/security.txt") || Public("a/.well-known/x") {
		t.Error("only /.well-known/ at the top is meant for the public")
	}
}
