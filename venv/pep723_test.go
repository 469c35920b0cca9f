package venv

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestScriptBlocks(t *testing.T) {
	for _, c := range []struct {
		name, source string
		want         scriptMetadata
		line         int
	}{
		{"none", "import flask\n", scriptMetadata{}, 0},
		{"example of the PEP", `# /// script
# requires-python = ">=3.11"
# dependencies = [
#   "requests<3",
#   "rich",
# ]
# ///

import requests
`, scriptMetadata{">=3.11", []string{"requests<3", "rich"}}, 1},
		{"below other things", "#!/usr/bin/python3\n\n# /// script\n# dependencies = [\"a\"]\n# ///\n", scriptMetadata{"", []string{"a"}}, 3},
		{"saved on Windows", "# /// script\r\n# dependencies = [\"a\"]\r\n# ///\r\n", scriptMetadata{"", []string{"a"}}, 1},
		{"empty comment lines", "# /// script\n#\n# dependencies = []\n#\n# ///\n", scriptMetadata{"", []string{}}, 1},
		{"the last end counts", "# /// script\n# dependencies = [\"a\"]\n# [tool.x]\n# y = '''\n# ///\n# '''\n# ///\n", scriptMetadata{"", []string{"a"}}, 1},
		{"other types", "# /// other\n# dependencies = 7\n# ///\n", scriptMetadata{}, 0},
		{"without end", "# /// script\n# dependencies = [\"a\"]\n", scriptMetadata{}, 0},
		{"interrupted", "# /// script\n# dependencies = [\"a\"]\n\n# ///\n", scriptMetadata{}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, line, err := parseScript(c.source)
			if err != nil || line != c.line {
				t.Errorf("line %d, %v; want line %d", line, err, c.line)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestScriptErrorsNameTheLine(t *testing.T) {
	for _, c := range []struct{ name, source, place, says string }{
		{"syntax", "import os\n# /// script\n# dependencies = [\n#   \"a\" \"b\",\n# ]\n# ///\n", "hello.wsgi:4", "expected"},
		{"type", "# /// script\n# dependencies = \"flask\"\n# ///\n", "hello.wsgi:2", "dependencies"},
		{"twice", "# /// script\n# ///\n\n# /// script\n# a = 1\n# ///\n\n# /// script\n# a = 1\n# ///\n", "hello.wsgi:8", "two blocks"},
		{"version", "\n# /// script\n# requires-python = \"snake\"\n# ///\n", "hello.wsgi:2", "snake"},
		{"option", "# /// script\n# dependencies = [\"--pre\"]\n# ///\n", "hello.wsgi:1", "--pre"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSite(t)
			s.write("hello.wsgi", c.source)
			f := s.mustFail(s.descriptor(), "MGW-ENV-007")
			if !strings.Contains(f.Error(), c.place) || !strings.Contains(f.Error(), c.says) {
				t.Errorf("want %q and %q in:\n%v", c.place, c.says, f)
			}
		})
	}
}
