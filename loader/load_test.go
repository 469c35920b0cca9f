package loader

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/modgw/modgw/internal/faulttest"
	"github.com/modgw/modgw/modgw"
)

const small = "app \"small\" {\n  static { dir = \".\" }\n}\n"

// loadText loads a descriptor from a text and returns the diagnostics as they are printed.
func loadText(t *testing.T, text string) (*File, string) {
	t.Helper()
	name := filepath.Join(testProject(t, map[string]string{"modgw.hcl": text}), "modgw.hcl")
	f, diags := Load(name, testOptions())
	return f, rendered(t, diags)
}

// rendered returns the output of check. It compares each diagnostic with the entry of its code.
func rendered(t *testing.T, diags Diagnostics) string {
	t.Helper()
	var b bytes.Buffer
	if err := diags.WriteText(&b, false); err != nil {
		t.Fatal(err)
	}
	for _, d := range diags {
		faulttest.Want(t, d.Code+" "+d.Summary+" "+d.Detail, d.Code)
	}
	return b.String()
}

func wantText(t *testing.T, got string, pieces ...string) {
	t.Helper()
	for _, p := range pieces {
		if !strings.Contains(got, p) {
			t.Errorf("%q is missing in:\n%s", p, got)
		}
	}
}

func TestFilesThatCannotBeRead(t *testing.T) {
	dir := testProject(t, map[string]string{"folder.hcl/x": ""})
	fifo := filepath.Join(dir, "fifo.hcl")
	if err := syscall.Mkfifo(fifo, 0o644); err != nil {
		t.Fatal(err)
	}
	loop := filepath.Join(dir, "loop.hcl")
	writeLink(t, loop, loop)
	large := filepath.Join(dir, "large.hcl")
	write(t, large, strings.Repeat("# a long comment\n", 10<<20/17))
	for name, want := range map[string]string{
		filepath.Join(dir, "none.hcl"): "There is no such file.",
		fifo:                           "It is not a regular file.",
		large:                          "and at most 1048576 are read.",
		loop:                           "Too many levels of symbolic links.",
		dir + "/folder.hcl":            "It is a folder.",
	} {
		f, diags := Load(name, Options{})
		if f == nil || f.Path != name || len(f.Descriptors) != 0 {
			t.Errorf("%s: file %+v", name, f)
		}
		wantText(t, rendered(t, diags), "Cannot read", filepath.Base(name), want)
	}
}

func TestHugeNestingIsRefusedBeforeItIsParsed(t *testing.T) {
	for what, text := range map[string]string{
		"brackets":    "x = " + strings.Repeat("[", 2000),
		"blocks":      strings.Repeat("a {\n", 2000),
		"templates":   "x = " + strings.Repeat(`"${`, 2000),
		"not":         "x = " + strings.Repeat("!", 2000) + "true",
		"minus":       "x = 1" + strings.Repeat("-1", 2000),
		"conditions":  "x = " + strings.Repeat("true?1:", 2000) + "1",
		"splats":      "x = [1]" + strings.Repeat("[*]", 2000),
		"indexes":     "x = f()" + strings.Repeat("[y]", 2000),
		"directives":  "x = \"" + strings.Repeat("%{if true}", 2000) + "\"",
		"parentheses": "x = (\n" + strings.Repeat("1 +\n", 2000) + "1)",
		"heredocs":    "x = " + strings.Repeat("<<E\n${", 2000),
		"numbers":     "x = 1e99999999",
	} {
		_, got := loadText(t, text)
		if !strings.Contains(got, "Too deeply nested") {
			t.Errorf("%s: %.300s", what, got)
		}
	}
}

func TestWhatIsUsualIsNotTooMuch(t *testing.T) {
	list := "[" + strings.Repeat("\"item\", ", 1000) + "]"
	object := "{\n" + strings.Repeat("  a = \"${1}-${2}\"\n", 500) + "}"
	_, got := loadText(t, "locals {\n l = "+list+"\n o = "+object+"\n n = ((((1 + 2) * 3))) - 4 / 5\n}\n"+small)
	if got != "" {
		t.Error(got)
	}
}

func TestFileThatIsNotUTF8(t *testing.T) {
	_, got := loadText(t, "# ok\napp \"bl\xffog\" {}\n")
	wantText(t, got, "MGW-CFG-003", "modgw.hcl:2:8", "must be UTF-8")
}

func TestSnippetsCannotMoveTheCursor(t *testing.T) {
	_, got := loadText(t, "app \"a\" {\n\tx\t= \"\x1b[31mred\u202e\"\n}\n")
	if strings.ContainsAny(got, "\x1b\u202e\t") {
		t.Errorf("%q", got)
	}
	wantText(t, got, `Unknown argument "x"`, "\n   2 |   x  =", "\n     |   ^\n")
}

func TestLongLinesAreCut(t *testing.T) {
	_, got := loadText(t, "app \"a\" {\n  static { dir = \".\" }\n  mount = \"/"+strings.Repeat("ü", 5000)+"%\"\n}\n")
	wantText(t, got, "without \"%\"")
	for line := range strings.SplitSeq(got, "\n") {
		if len(line) > 400 {
			t.Errorf("a line of %d bytes", len(line))
		}
	}
}

func TestOneBrokenAppLeavesTheOthers(t *testing.T) {
	f, got := loadText(t, "app \"broken\" {\n mount = \"/b\"\n}\n"+small)
	if len(f.Descriptors) != 1 || f.Descriptors[0].Name != "small" {
		t.Errorf("descriptors %v", f.Descriptors)
	}
	wantText(t, got, "The app has no kind")
}

func TestDiagnosticsAsErrors(t *testing.T) {
	if err := (Diagnostics{}).Err(); err != nil {
		t.Errorf("no diagnostics are the error %v", err)
	}
	if err := (Diagnostics{{Severity: Warning}}).Err(); err != nil {
		t.Errorf("a warning is the error %v", err)
	}
	_, diags := Load("/no/such.hcl", Options{})
	err := diags.Err()
	if err == nil || !strings.Contains(err.Error(), "[MGW-CFG-001]") {
		t.Errorf("error %v", err)
	}
}

func TestJSONIsInTerraformsLayout(t *testing.T) {
	dir := testProject(t, map[string]string{"modgw.hcl": "app \"a\" {\n  wsgi { entry = 7 }\n}\n"})
	_, diags := Load(filepath.Join(dir, "modgw.hcl"), Options{})
	var b bytes.Buffer
	if err := diags.WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got["valid"] != false || got["error_count"] != 1.0 || got["format_version"] != "1.0" {
		t.Errorf("%v", got)
	}
	first := got["diagnostics"].([]any)[0].(map[string]any)
	start := first["range"].(map[string]any)["start"].(map[string]any)
	snippet := first["snippet"].(map[string]any)
	if first["severity"] != "error" || start["line"] != 2.0 || start["column"] != 18.0 || start["byte"] != 27.0 {
		t.Errorf("%v", first)
	}
	if snippet["code"] != "  wsgi { entry = 7 }" || snippet["highlight_start_offset"] != 17.0 || snippet["context"] != `app "a", wsgi` {
		t.Errorf("%v", snippet)
	}

	b.Reset()
	if err := (Diagnostics)(nil).WriteJSON(&b); err != nil || !strings.Contains(b.String(), `"valid": true`) || !strings.Contains(b.String(), `"diagnostics": []`) {
		t.Errorf("%v %s", err, b.String())
	}
}

func TestColours(t *testing.T) {
	_, diags := Load("/no/such.hcl", Options{})
	var b bytes.Buffer
	if err := diags.WriteText(&b, true); err != nil {
		t.Fatal(err)
	}
	wantText(t, b.String(), red+"error[MGW-CFG-001]"+plain)
}

func TestEachFileIsLoadedAloneInPathOrder(t *testing.T) {
	dir := testProject(t, map[string]string{
		"b.hcl":       "app \"b\" {\n mount = \"/b\"\n static { dir = path.dir }\n}",
		"a.hcl":       "app \"a\" {\n mount = \"/a\"\n static { dir = path.dir }\n}",
		"broken.hcl":  "app {",
		".hidden.hcl": "nonsense",
		"notes.txt":   "nonsense",
	})
	for _, targets := range [][]string{
		{dir},
		{filepath.Join(dir, "*.hcl")},
		{filepath.Join(dir, "b.hcl"), dir, filepath.Join(dir, "{a,broken}.hcl"), filepath.Join(dir, "none-*.hcl")},
	} {
		files, diags := LoadAll(targets, testOptions())
		var names []modgw.AppName
		for _, f := range files {
			for _, d := range f.Descriptors {
				names = append(names, d.Name)
			}
		}
		if !slices.Equal(names, []modgw.AppName{"a", "b"}) || len(files) != 3 && len(files) != 4 {
			t.Errorf("%q: %v in %d files", targets, names, len(files))
		}
		wantText(t, rendered(t, diags), "broken.hcl")
	}
}

func TestFolderWithItsOwnDescriptor(t *testing.T) {
	dir := testProject(t, map[string]string{"modgw.hcl": small, "nomad.hcl": "job \"x\" {}"})
	files, diags := LoadAll([]string{dir}, testOptions())
	if len(files) != 1 || len(files[0].Descriptors) != 1 || diags != nil {
		t.Errorf("%d files, %v", len(files), diags)
	}
}

func TestTargetsThatAreNotThere(t *testing.T) {
	_, diags := LoadAll([]string{"/no/such.hcl", "/no/such/folder", "nomodule"}, testOptions())
	wantText(t, rendered(t, diags), `Cannot read "/no/such.hcl"`, `Cannot find "/no/such/folder"`, `nomodule:application`)
}

func TestHostFileIsNoDescriptor(t *testing.T) {
	_, got := loadText(t, "apps = [\"*.hcl\"]\nlisten \"http\" { address = \":80\" }\n")
	wantText(t, got, "the host's own file", "serve -c")
}

func TestDescriptorIsNoHostFile(t *testing.T) {
	dir := testProject(t, map[string]string{"modgw.hcl": small})
	_, _, diags := LoadHost(filepath.Join(dir, "modgw.hcl"), Options{})
	wantText(t, rendered(t, diags), `Unknown block "app"`, "files of their own")
}

func TestVariablesComeFromTheCommandLineBeforeTheEnvironment(t *testing.T) {
	opts := testOptions()
	opts.Vars = map[string]string{"port": "9090"}
	dir := testProject(t, map[string]string{"modgw.hcl": "variable \"port\" {\n type = number\n}\napp \"a\" {\n static { dir = \".\" }\n env = { P = var.port + 1 }\n}\n"})
	f, diags := Load(filepath.Join(dir, "modgw.hcl"), opts)
	if diags.HasErrors() || f.Descriptors[0].Env["P"] != "9091" {
		t.Errorf("%v %v", f.Descriptors, diags)
	}
}

func TestRelativePathsBeginAtRoot(t *testing.T) {
	dir := testProject(t, map[string]string{
		"app/conf": "text", "app/.env": "A=1\n",
		"modgw.hcl": "app \"a\" {\n env = { T = file(\"conf\") }\n env_file = \".env\"\n static { dir = \"pub\" }\n root = \"app\"\n}\n",
		"app/pub/x": "",
	})
	f, diags := Load(filepath.Join(dir, "modgw.hcl"), Options{})
	if diags.HasErrors() {
		t.Fatal(rendered(t, diags))
	}
	d := f.Descriptors[0]
	if d.Root != dir+"/app" || d.Env["T"] != "text" || d.Env["A"] != "1" || d.Static.Dir != dir+"/app/pub" {
		t.Errorf("%+v", d)
	}
}

func TestSecretsCanBeCredentialsOfSystemd(t *testing.T) {
	credentials := testProject(t, map[string]string{"db": "hunter2hunter2\n"})
	opts := testOptions()
	opts.Getenv = func(name string) (string, bool) { return credentials, name == "CREDENTIALS_DIRECTORY" }
	dir := testProject(t, map[string]string{"own": "from the file", "modgw.hcl": "app \"a\" {\n static { dir = \".\" }\n env = { A = secret(\"db\"), B = secret(\"own\") }\n}\n"})
	f, diags := Load(filepath.Join(dir, "modgw.hcl"), opts)
	if diags.HasErrors() || f.Descriptors[0].Env["A"] != "hunter2hunter2" || f.Descriptors[0].Env["B"] != "from the file" {
		t.Errorf("%v %v", f.Descriptors, diags)
	}
}

func TestVariablesThatNobodyDeclares(t *testing.T) {
	dir := testProject(t, map[string]string{"modgw.hcl": "variable \"stage\" {\n default = 1\n}\n" + small})
	_, diags := LoadAll([]string{dir}, Options{Vars: map[string]string{"stag": "x", "stage": "y"}})
	if len(diags) != 1 || diags.HasErrors() || diags.Err() != nil {
		t.Fatal(diags)
	}
	wantText(t, rendered(t, diags), `warning[MGW-CFG-017]: No file declares variable "stag"`, `Did you mean "stage"?`)
}

func TestFormat(t *testing.T) {
	got, diags := Format([]byte("app   \"a\" {\nmount=\"/\"\n  root  =  path.dir\n}\n"), "a.hcl")
	if want := "app \"a\" {\n  mount = \"/\"\n  root  = path.dir\n}\n"; string(got) != want || diags != nil {
		t.Errorf("%q %v", got, diags)
	}
	src := []byte("app \"a\" {\n")
	got, diags = Format(src, "a.hcl")
	if !bytes.Equal(got, src) || !diags.HasErrors() {
		t.Errorf("%q %v", got, diags)
	}
	if _, diags := Format(make([]byte, largestFile+1), "a.hcl"); !diags.HasErrors() {
		t.Error("a huge file was formatted")
	}
}

func TestWorkingDirectoryNeedNotBeTheFolder(t *testing.T) {
	dir := testProject(t, map[string]string{"modgw.hcl": small})
	t.Chdir(dir)
	f, diags := Load("modgw.hcl", Options{})
	if diags.HasErrors() || f.Path != filepath.Join(dir, "modgw.hcl") || f.Descriptors[0].Root != dir {
		t.Errorf("%+v %v", f, diags)
	}
	if _, err := os.Stat(f.Path); err != nil {
		t.Error(err)
	}
}

func TestHiddenFilesAreNoDescriptors(t *testing.T) {
	const shop = `app "shop" { wsgi { entry = "shop.wsgi" } }`
	dir := testProject(t, map[string]string{
		"apps/shop.hcl": shop, "apps/.shop.hcl": shop, "apps/._shop.hcl": "\x00\x05\x16\x07Mac OS X",
		"apps/.old/shop.hcl": shop, "shop.wsgi": "",
	})
	if err := os.Symlink("user@host.1:2", dir+"/apps/.#shop.hcl"); err != nil {
		t.Fatal(err)
	}
	for _, target := range []string{"apps/*.hcl", "apps/**/*.hcl", "apps"} {
		files, _ := LoadAll([]string{filepath.Join(dir, target)}, testOptions())
		var paths []string
		for _, f := range files {
			paths = append(paths, f.Path)
		}
		if !slices.Equal(paths, []string{dir + "/apps/shop.hcl"}) {
			t.Errorf("%s names %q", target, paths)
		}
	}
}
