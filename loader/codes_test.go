package loader

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// mistaken is a project whose descriptor causes an error or a warning, and the files after the fix
// that the manual recommends for the code.
type mistaken struct {
	code  string
	files map[string]string
	fixed map[string]string
}

// siteWith returns a project with a public folder, and a descriptor of one static app with the
// given lines.
func siteWith(lines string) map[string]string {
	return map[string]string{"modgw.hcl": "app \"site\" {\n  static { dir = \"public\" }\n" + lines + "}\n", "public/index.html": ""}
}

// mistakes have the codes of descriptors whose fix is a change of the project's files.
var mistakes = []mistaken{
	{"MGW-CFG-002", siteWith("  mount = /blog\n"), siteWith("  mount = \"/blog\"\n")},
	{"MGW-CFG-003", siteWith("  # \xff\n"), siteWith("  # ÿ\n")},
	{"MGW-CFG-004", siteWith("  hots = [\"a.test\"]\n"), siteWith("  hosts = [\"a.test\"]\n")},
	{"MGW-CFG-005", siteWith("  reload { settle = \"soon\" }\n"), siteWith("  reload { settle = \"1s\" }\n")},
	{"MGW-CFG-006", siteWith("  build {}\n"), siteWith("  build { command = [\"make\"] }\n")},
	{"MGW-CFG-007", map[string]string{"modgw.hcl": "app \"site\" {}\n"}, siteWith("")},
	{"MGW-CFG-008", twoApps("site", "/b"), twoApps("second", "/b")},
	{"MGW-CFG-009", twoApps("second", "/a"), twoApps("second", "/b")},
	{"MGW-CFG-010", map[string]string{"modgw.hcl": "app \"site\" {\n  wsgi { entry = \"app.py\" }\n}\n"}, map[string]string{"app.py": "application = None\n"}},
	{"MGW-CFG-011", siteWith("  hosts = [\"http://a.test/\"]\n"), siteWith("  hosts = [\"a.test\"]\n")},
	{"MGW-CFG-012", siteWith("  mount = \"/${nothing}\"\n"), siteWith("  mount = \"/${app.name}\"\n")},
	{"MGW-CFG-013", with(siteWith("  env_file = \".env\"\n"), ".env", "A B=1\n"), map[string]string{".env": "A_B=1\n"}},
	{"MGW-CFG-014", siteWith("  env = { MODGW_X = \"1\" }\n"), siteWith("  env = { BLOG_X = \"1\" }\n")},
	{"MGW-CFG-015", siteWith("  mount = \"/a\"\n  static { dir = \"public\" }\n"), siteWith("  mount = \"/a\"\n")},
	{"MGW-CFG-017", withVariable(""), withVariable("  default = \"/a\"\n")},
	{"MGW-CFG-027", siteWith("  recycle { requests = 10 }\n"), siteWith("")},
	{"MGW-CFG-028", siteWith("  alias \"/media\" { dir = \"media\" }\n"), map[string]string{"media/picture.svg": ""}},
	{"MGW-CFG-029", script("#!/no/such/perl\n"), script("#!/bin/sh\n")},
}

func with(files map[string]string, name, text string) map[string]string {
	files[name] = text
	return files
}

// twoApps returns a project with an app called site at /a and another app.
func twoApps(name, mount string) map[string]string {
	first := siteWith("  mount = \"/a\"\n")
	first["modgw.hcl"] += "app \"" + name + "\" {\n  mount = \"" + mount + "\"\n  static { dir = \"public\" }\n}\n"
	return first
}

// withVariable returns a project with a variable whose block contains the lines.
func withVariable(lines string) map[string]string {
	return with(siteWith("  mount = var.place\n"), "modgw.hcl",
		"variable \"place\" {\n"+lines+"}\napp \"site\" {\n  mount = var.place\n  static { dir = \"public\" }\n}\n")
}

// script returns a project with an app of one CGI script with the given first line.
func script(line string) map[string]string {
	return map[string]string{"modgw.hcl": "app \"site\" {\n  cgi { script = \"run\" }\n}\n", "run": line}
}

func TestAliasOfWhatTheBuildCommandMakesIsNoMistake(t *testing.T) {
	dir := testProject(t, siteWith("  build { command = [\"make\"] }\n  alias \"/made\" { dir = \"made\" }\n"))
	if said := codesOf(t, dir); len(said) > 0 {
		t.Errorf("it says %q", said)
	}
}

func TestFixOfTheManualCuresEachMistakeOfADescriptor(t *testing.T) {
	for _, m := range mistakes {
		t.Run(m.code, func(t *testing.T) {
			dir := testProject(t, m.files)
			if said := codesOf(t, dir); !slices.Contains(said, m.code) {
				t.Fatalf("before the fix it says %q", said)
			}
			for name, text := range m.fixed {
				write(t, filepath.Join(dir, name), text)
			}
			if said := codesOf(t, dir); len(said) > 0 {
				t.Errorf("after the fix it says %q", said)
			}
		})
	}
}

// codesOf returns the codes of the diagnostics for the descriptor in a folder. It compares each
// diagnostic with the manual. It leaves out the warning about apps that run as root, which is not
// about the descriptor.
func codesOf(t *testing.T, dir string) []string {
	t.Helper()
	if err := os.Chmod(filepath.Join(dir, "run"), 0o755); err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	options := testOptions()
	options.Machine = true
	_, found := Load(filepath.Join(dir, "modgw.hcl"), options)
	said := map[string]bool{}
	for _, d := range found {
		if d.Code != codeRoot {
			said[d.Code] = true
		}
	}
	if text := rendered(t, found); len(found) > 0 && !strings.Contains(text, dir) {
		t.Errorf("it names no place:\n%s", text)
	}
	return slices.Sorted(maps.Keys(said))
}
