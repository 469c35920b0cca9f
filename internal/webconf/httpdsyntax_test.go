package webconf

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestBrokenInputIsReportedWithItsLine reads configurations that Apache refuses.
func TestBrokenInputIsReportedWithItsLine(t *testing.T) {
	for text, want := range map[string]string{
		"A 1\n<VirtualHost *:80>\nB 2\n":                     "f:2: cannot find </VirtualHost>, which ends the section that begins here",
		"<VirtualHost *:80>\n<Directory /x>\n</VirtualHost>": "f:3: cannot find </Directory> before </VirtualHost>; the section begins in line 2",
		"\n</Location>\n":                                    "f:2: cannot find <Location>, which </Location> would end",
		"<Location /x\n</Location>":                          `f:1: cannot read <Location: the line has no ">" at its end`,
		"<>\n":                                               "f:1: cannot read a section without a name",
	} {
		_, mistakes := ParseHTTPD("f", text)
		if len(mistakes) != 1 || mistakes[0].Error() != want {
			t.Errorf("%q: %v", text, mistakes)
		}
	}
}

// TestVersionsAreComparedAsApacheDoes has numbers that are left out count as 0.
func TestVersionsAreComparedAsApacheDoes(t *testing.T) {
	for text, want := range map[string]bool{
		"2.4.71": true, "= 2.4": false, "> 2.4": true, "<= 2.4": false, ">= 2.4.71": true, "!< 2.4.3": true, "!>= 2.4": false,
		"~ 2.4.[0-9]+": true, "= /^2.2/": false, "": false,
	} {
		if got := VersionHolds("2.4.71", SplitHTTPD(text)); got != want {
			t.Errorf("<IfVersion %s>: %v", text, got)
		}
	}
}

// TestWordsAreThoseOfApache splits arguments.
func TestWordsAreThoseOfApache(t *testing.T) {
	for text, want := range map[string][]string{
		`a  "b c" 'd "e'`:         {"a", "b c", `d "e`},
		`"a\"b" c\\d`:             {`a"b`, `c\d`},
		`display-name="%{GROUP}"`: {`display-name="%{GROUP}"`},
		`"no end`:                 {"no end"},
		"":                        nil,
	} {
		if diff := cmp.Diff(want, SplitHTTPD(text)); diff != "" {
			t.Errorf("%s: -want +got\n%s", text, diff)
		}
	}
}
