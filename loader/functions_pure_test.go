package loader

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestFunctionsMeanWhatTheyMeanInTerraform(t *testing.T) {
	for expression, want := range map[string]string{
		`sum([1, 2.5])`:                             "3.5",
		`alltrue([true, "true"])`:                   "true",
		`alltrue([])`:                               "true",
		`anytrue([false])`:                          "false",
		`startswith("blog", "bl")`:                  "true",
		`endswith("blog", "bl")`:                    "false",
		`strcontains("blog", "lo")`:                 "true",
		`base64encode("ä")`:                         "w6Q=",
		`base64decode("w6Q=")`:                      "ä",
		`urlencode("a b/ä")`:                        "a+b%2F%C3%A4",
		`md5("")`:                                   "d41d8cd98f00b204e9800998ecf8427e",
		`sha1("")`:                                  "da39a3ee5e6b4b0d3255bfef95601890afd80709",
		`substr(sha256(""), 0, 8)`:                  "e3b0c442",
		`substr(sha512(""), 0, 8)`:                  "cf83e135",
		`substr(base64sha256(""), 0, 8)`:            "47DEQpj8",
		`substr(base64sha512(""), 0, 8)`:            "z4PhNX7v",
		`one(["a"])`:                                "a",
		`coalesce(one([]), "none")`:                 "none",
		`try(one(["a", "b"]), "two")`:               "two",
		`index(["a", "b"], "b")`:                    "1",
		`length("äb")`:                              "2",
		`length(["a"])`:                             "1",
		`length({ a = 1, b = 2 })`:                  "2",
		`tomap({ a = "x" })["a"]`:                   "x",
		`join(",", setunion(["a"], ["b"]))`:         "a,b",
		`join(",", flatten([["a"], ["b", ["c"]]]))`: "a,b,c",
		`merge({ a = "1" }, { a = "2" }).a`:         "2",
		`can(base64decode("%")) ? "yes" : "no"`:     "no",
		`try(sum([]), "empty")`:                     "empty",
	} {
		f, _ := loadText(t, `app "a" {
			static { dir = "." }
			env = { V = `+expression+` }
		}`)
		if diags := f.Diagnostics; diags.HasErrors() {
			t.Errorf("%s: %s", expression, rendered(t, diags))
			continue
		}
		if got := f.Descriptors[0].Env["V"]; got != want {
			t.Errorf("%s = %q, want %q", expression, got, want)
		}
	}
}

func TestEveryFunctionIsInTheManual(t *testing.T) {
	text, err := os.ReadFile("../docs/descriptor.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "### Functions\n")
	section, _, _ = strings.Cut(section, "\n## ")
	var named []string
	for _, m := range regexp.MustCompile("`([a-z0-9]+)`").FindAllStringSubmatch(section, -1) {
		named = append(named, m[1])
	}
	functions := newTools().functions
	for name := range functions {
		if name != pay && !slices.Contains(named, name) {
			t.Errorf("the manual does not name %s", name)
		}
	}
	for _, name := range named {
		if _, ok := functions[name]; !ok {
			t.Errorf("the manual names %s, which does not exist", name)
		}
	}
}
