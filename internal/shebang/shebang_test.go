package shebang

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestScriptsThatCannotRunAreNamed(t *testing.T) {
	for text, want := range map[string]string{
		"#!/bin/sh\necho\n":           "",
		"#! /bin/sh -e\necho\n":       "",
		"\x7fELF\x02\x00":             "",
		"":                            "empty",
		"#!/bin/sh\r\necho\r\n":       "carriage return",
		"\ufeff#!/bin/sh\necho\n":     "byte order mark",
		"echo\n":                      `without a "#!" line`,
		"#!\necho\n":                  "names no interpreter",
		"#!python3\nprint()\n":        `"python3", which is no absolute path`,
		"#!/no/such/python\nprint()":  `"/no/such/python", which does not exist`,
		"#!/no/such/python -u\nx = 1": `"/no/such/python", which does not exist`,
	} {
		path := filepath.Join(t.TempDir(), "script")
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
		if got := Mistake(path, nil); got == "" != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	if got := Mistake(filepath.Join(t.TempDir(), "none"), nil); got != "" {
		t.Errorf("of a file that does not exist: %q", got)
	}
}
