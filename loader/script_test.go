package loader

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/modgw/modgw/internal/safepath"
)

func TestScriptOfAWebServerIsADescriptor(t *testing.T) {
	dir := t.TempDir()
	for name, c := range map[string]struct {
		text string
		is   bool
	}{
		"app.fcgi":  {"#!/usr/bin/env -S modgw-host fcgi\napp \"a\" {\n  static { dir = \".\" }\n}\n", true},
		"home.cgi":  {"#!/home/me/bin/modgw-host cgi\n", true},
		"other.cgi": {"#!/usr/bin/perl\n# modgw-host\n", false},
		"app.wsgi":  {"# modgw-host\n", false},
		"empty":     {"", false},
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(c.text), 0o755); err != nil {
			t.Fatal(err)
		}
		if isScript(path, safepath.Opener{}) != c.is {
			t.Errorf("%s: %v", name, !c.is)
		}
	}
	files, diags := LoadAll([]string{filepath.Join(dir, "app.fcgi")}, Options{})
	if diags.HasErrors() || len(files) != 1 || len(files[0].Descriptors) != 1 || files[0].Descriptors[0].Root != dir {
		t.Errorf("got %+v, %v", files, diags)
	}
}
