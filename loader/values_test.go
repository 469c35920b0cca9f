package loader

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestDurations(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"0s": 0, "100ms": 100 * time.Millisecond, "1.5s": 1500 * time.Millisecond, "1h30m": 90 * time.Minute,
		"7d": 168 * time.Hour, "1d12h": 36 * time.Hour, "0": 0,
	} {
		if got, ok := parseDuration(text); !ok || got != want {
			t.Errorf("%q is %v, %v", text, got, ok)
		}
	}
	for _, text := range []string{"", "1", "-1s", "+1s", "d", "1w", "1h1d", "99999d99999999h", "1e3s", " 1s"} {
		if got, ok := parseDuration(text); ok {
			t.Errorf("%q is %v", text, got)
		}
	}
}

func TestSizes(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "1024": 1024, "1KiB": 1024, "1kb": 1000, "64MiB": 64 << 20, "64M": 64 << 20, "1.5 GiB": 3 << 29, "2T": 2 << 40, "5B": 5,
	} {
		if got, ok := parseSize(text); !ok || got != want {
			t.Errorf("%q is %d, %v", text, got, ok)
		}
	}
	for _, text := range []string{"", "-1", "much", "1XiB", "1KiBB", "9999999999TiB", "0x10", "1e3", "KiB"} {
		if got, ok := parseSize(text); ok {
			t.Errorf("%q is %d", text, got)
		}
	}
}

func TestMounts(t *testing.T) {
	for text, want := range map[string]string{"/": "/", "/a": "/a", "/a/": "/a", "/a/b": "/a/b", "/ü x": "/ü x", "/..a": "/..a"} {
		if got, why := cleanMount(text); got != want || why != "" {
			t.Errorf("%q is %q: %s", text, got, why)
		}
	}
	for _, text := range []string{"", "a", "//", "/a//", "/./a", "/a/..", "/a%2f", "/a\n", "/a?b", "/a#b", "/a\x7f"} {
		if got, why := cleanMount(text); why == "" {
			t.Errorf("%q is %q", text, got)
		}
	}
}

func TestPythonVersions(t *testing.T) {
	for text, want := range map[string]bool{
		"3.12": true, "3": true, "3.12.1": true, ">=3.10,<3.14": true, "~=3.11": true, "==3.12.*": true, "pypy3.9": true, "pypy": true,
		"3.14t": true, "python3.11": true, "!=3.9, >=3.8": true, "3.13rc1": true,
		"latest": false, "3.12 or so": false, ",": false, ">": false, "three": false,
	} {
		if got := pythonVersion.MatchString(text); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func TestDotenv(t *testing.T) {
	text := "\ufeff# comment\r\n\r\nA=1\r\n  export  B = two words  # comment\nC='a # b \\n'\nD=\"x\\n\\\"y\\\" $HOME \\\\\" # c\nE=\nF=a#b\nG='1\n2'\nexport=3\nH=# only a comment\nI.J-K=dots\n"
	found, mistakes := parseDotenv(text)
	got := map[string]string{}
	for _, v := range found {
		got[v.name] = v.value
	}
	want := map[string]string{
		"A": "1", "B": "two words", "C": `a # b \n`, "D": "x\n\"y\" $HOME \\", "E": "", "F": "a#b", "G": "1\n2", "export": "3", "H": "", "I.J-K": "dots",
	}
	if diff := cmp.Diff(want, got); diff != "" || len(mistakes) != 0 {
		t.Errorf("%v\n%s", mistakes, diff)
	}
	_, mistakes = parseDotenv("1A=x\nA\nB='\nC=1\n")
	if len(mistakes) != 3 || mistakes[0].line != 1 || mistakes[1].line != 2 || mistakes[2].line != 3 {
		t.Errorf("%+v", mistakes)
	}
}

func TestSuggestions(t *testing.T) {
	words := []string{"threads", "workers", "entry", "dir"}
	for given, want := range map[string]string{"thread": "threads", "wrkers": "workers", "Entry": "entry", "xyz": "", "d": "", "": ""} {
		if got := closest(given, words); got != want {
			t.Errorf("%q: %q, want %q", given, got, want)
		}
	}
}

// TestSecretsStayMarkedThroughFunctions computes with a secret in ways that lose it to a search for
// its text.
func TestSecretsStayMarkedThroughFunctions(t *testing.T) {
	dir := testProject(t, map[string]string{
		"key": "hunter2hunter2\n",
		"modgw.hcl": `app "a" {
  http { command = ["server", "--password", upper(secret("key"))] }
  env = {
    REVERSED = strrev(secret("key"))
    SPLIT    = join("-", split("r", secret("key")))
    PICKED   = { for k, v in { x = secret("key") } : k => "${v}!" }["x"]
  }
}
`})
	f, diags := Load(filepath.Join(dir, "modgw.hcl"), Options{})
	if diags.HasErrors() {
		t.Fatal(rendered(t, diags))
	}
	d := f.Descriptors[0].Redacted()
	for name, value := range d.Env {
		if value != "(secret)" {
			t.Errorf("%s is %q", name, value)
		}
	}
	if d.HTTP.Command[2] != "(secret)" || d.HTTP.Command[0] != "server" {
		t.Errorf("command %q", d.HTTP.Command)
	}
}

// TestHugeValues makes expressions write much from little.
func TestHugeValues(t *testing.T) {
	dir := testProject(t, map[string]string{"deep.json": strings.Repeat("[", 500_000)})
	for _, expr := range []string{
		`format("%999999999d", 1)`, `format("%[1]*d", 999999999)`, `jsondecode(file("deep.json"))`, `"${1e99999}"`,
		`range(1000000000)`, `pow(10, 100000)`, `1 / 0`, `parseint("9", 99)`, `regex("(", "x")`, `element([], 0)`,
		`formatdate("YYYY", "never")`, `null + 1`, `[1][null]`, `{ (null) = 1 }`, `merge(null, {})`, `keys(null)`,
	} {
		f := &File{Path: filepath.Join(dir, "modgw.hcl"), report: newReport()}
		f.decode([]byte("app \"a\" {\n static { dir = \".\" }\n env = { A = "+expr+" }\n}\n"), dir, testOptions())
		if !f.found.HasErrors() {
			t.Errorf("%s is fine: %v", expr, f.apps[0].Env)
		}
	}
}

// TestMultiplyingExpressions describes more than there is memory, in a few lines each.
func TestMultiplyingExpressions(t *testing.T) {
	dir := testProject(t, map[string]string{"large": strings.Repeat("x", 1<<19)})
	double := "locals {\n l0 = \"0123456789abcdef\"\n"
	nest := "locals {\n l0 = [1, 2]\n"
	for i := range 30 {
		double += fmt.Sprintf(" l%d = \"${local.l%d}${local.l%d}\"\n", i+1, i, i)
		nest += fmt.Sprintf(" l%d = [local.l%d, local.l%d]\n", i+1, i, i)
	}
	thousand := `range(1000)`
	for what, text := range map[string]string{
		"doubled text":  double + "}",
		"doubled lists": nest + "}",
		"loops":         "locals {\n l = [for a in " + thousand + ": [for b in " + thousand + ": [for c in " + thousand + ": [for d in " + thousand + ": 1]]]]\n}",
		"templates":     "locals {\n l = \"%{for a in " + thousand + "}%{for b in " + thousand + "}%{for c in " + thousand + "}x%{endfor}%{endfor}%{endfor}\"\n}",
		"replace":       `locals { l = replace(join("", [for a in range(1000) : "aaaaaaaaaa"]), "a", join("", [for a in range(1000) : "aaaaaaaaaa"])) }`,
		"regexreplace":  `locals { l = regexreplace(join("", [for a in range(1000) : "aaaaaaaaaa"]), "a", join("", [for a in range(1000) : "aaaaaaaaaa"])) }`,
		"format":        `locals { l = format(join("", [for a in range(1000) : "%[1]s"]), join("", [for a in range(1000) : "aaaaaaaaaa"])) }`,
		"setproduct":    "locals {\n l = setproduct(" + strings.Repeat(thousand+", ", 8) + thousand + ")\n}",
		"files":         `locals { l = [for a in range(1000) : file("large")] }`,
		"indent":        `locals { l = indent(999999999, "a\nb") }`,
	} {
		f := &File{Path: "/modgw.hcl", report: newReport()}
		f.decode([]byte(text), dir, testOptions())
		if got := rendered(t, f.found); !strings.Contains(got, "at most 100000 elements and 4 MiB of text") {
			t.Errorf("%s: %.400s", what, got)
		}
	}
}
