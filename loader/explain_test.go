package loader

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/modgw/modgw/modgw"
)

func TestExplain(t *testing.T) {
	for key, want := range map[string][]string{
		"app.wsgi.threads":          {"whole number from 0 to 1024; default 0: 5; ", "threads = 8"},
		"app.wsgi":                  {"Runs a Python WSGI app", "entry", "required"},
		"app":                       {"timeouts", "mount", `default "/"`},
		"listen.address":            {"required", `listen "…" {`},
		"defaults.timeouts.request": {"default \"60s\""},
		"variable.type":             {"type = number"},
		"":                          {"trusted_proxies", "locals"},
	} {
		got, ok := Explain(key)
		if !ok {
			t.Errorf("%q is unknown", key)
		}
		wantText(t, got, want...)
	}
}

func TestExplainSuggests(t *testing.T) {
	for key, want := range map[string]string{
		"threads":          "app.wsgi.threads",
		"app.wsgi.thread":  "app.wsgi.threads",
		"reload.settle":    "app.reload.settle",
		"timeout":          "app.queue.timeout, app.health.timeout",
		"app.wsgi.entry.x": "app.wsgi.entry",
		"xyzzy":            "modgw-host explain app",
	} {
		got, ok := Explain(key)
		if ok || !strings.Contains(got, want) {
			t.Errorf("%s: %v\n%s", key, ok, got)
		}
	}
}

// TestTableIsWhole checks that the table is complete for decoding and for the manual.
func TestTableIsWhole(t *testing.T) {
	var walk func(string, block)
	walk = func(prefix string, b block) {
		if b.doc == "" {
			t.Errorf("%s has no doc", prefix)
		}
		for _, a := range b.args {
			if a.doc == "" || a.value.form == "" || a.value.set == nil {
				t.Errorf("%s.%s lacks something", prefix, a.name)
			}
			if a.example == "" || a.def != nil && a.example == hclText(a.def) {
				t.Errorf("%s.%s has no example that differs from its default", prefix, a.name)
			}
		}
		for _, open := range b.blocks {
			walk(prefix+"."+open().name, open())
		}
	}
	walk("", everything())
}

// TestExamplesDecode writes every example of the table down and decodes it.
func TestExamplesDecode(t *testing.T) {
	files := map[string]string{"requirements.txt": "", "hello.cgi": "", "cgi-bin/x": "", "public/x": "", "errors/busy.html": "", "blog.wsgi": "", "key": "k", ".env": ""}
	dir := testProject(t, files)
	// These name files and users that only a real host has.
	skip := map[string]bool{"root": true, "home": true, "venv": true, "user": true, "group": true}
	app := appBlock(new(modgw.Descriptor))
	var src strings.Builder
	src.WriteString("app \"example\" {\n")
	body := func(b block) {
		for i, a := range b.args {
			text := strings.ReplaceAll(a.example, "/etc/modgw/blog.key", "key")
			if !skip[a.name] && (len(b.either) == 0 || a.name == b.either[0] || !strings.Contains(strings.Join(b.either, " "), a.name)) {
				src.WriteString(b.args[i].name + " = " + text + "\n")
			}
		}
	}
	body(app)
	for _, open := range app.blocks {
		in := open()
		if in.presence != always && in.name != "wsgi" {
			continue
		}
		label := ""
		if in.label != "" {
			label = ` "/x"`
		}
		src.WriteString(in.name + label + " {\n")
		body(in)
		src.WriteString("}\n")
	}
	src.WriteString("}\n")
	f := &File{Path: dir + "/modgw.hcl", report: newReport()}
	f.decode([]byte(src.String()), dir, testOptions())
	if f.found.HasErrors() {
		t.Errorf("%s\n%s", rendered(t, f.found), src.String())
	}
}

// TestExamplesOfListenersDecode decodes every example of a listen block and of the blocks within
// it, each alone.
func TestExamplesOfListenersDecode(t *testing.T) {
	dir := t.TempDir()
	files := []string{"certificate", "key", "client_ca", "client_certificate", "proxy_protocol", "redirect_https"}
	decodes := func(text string) bool {
		// Some settings are for one sort of address only.
		for _, address := range []string{"unix:/run/modgw.sock", "127.0.0.1:8000"} {
			_, diags := hostOf(t, dir, fmt.Sprintf("listen \"http\" {\naddress = %q\n%s}\n", address, text))
			if !diags.HasErrors() {
				return true
			}
		}
		return false
	}
	var walk func(b block, open, end string)
	walk = func(b block, open, end string) {
		for _, a := range b.args {
			// These require further arguments.
			if a.name == "address" || slices.Contains(files, a.name) {
				continue
			}
			if text := open + a.name + " = " + a.example + "\n" + end; !decodes(text) {
				t.Errorf("the example of %s cannot be used:\n%s", a.name, text)
			}
		}
		for _, openInner := range b.blocks {
			if in := openInner(); in.name != "tls" && in.name != "acme" {
				walk(in, open+in.name+" {\n", "}\n"+end)
			}
		}
	}
	listen, ok := hostBlock(new(modgw.HostFile)).inner("listen")
	if !ok {
		t.Fatal("there is no listen block")
	}
	walk(listen, "", "")
}

func TestManualHasTheReference(t *testing.T) {
	const manual = "../docs/descriptor.md"
	text, err := os.ReadFile(manual)
	if err != nil {
		t.Fatal(err)
	}
	begin, end := []byte("<!-- reference: begin -->\n"), []byte("<!-- reference: end -->")
	from, to := bytes.Index(text, begin), bytes.Index(text, end)
	if from < 0 || to < from {
		t.Fatal("the manual has no place for the reference")
	}
	from += len(begin)
	want := append([]byte("\n"), reference()...)
	if *update {
		text = append(append(append([]byte{}, text[:from]...), want...), text[to:]...)
		if err := os.WriteFile(manual, text, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(want), string(text[from:to])); diff != "" {
		t.Errorf("run go test ./loader -update: -want +got\n%s", diff)
	}
}

func TestManualsExamplesAreHCL(t *testing.T) {
	text, err := os.ReadFile("../docs/descriptor.md")
	if err != nil {
		t.Fatal(err)
	}
	pieces := strings.Split(string(text), "```hcl\n")[1:]
	if len(pieces) < 4 {
		t.Fatalf("%d examples", len(pieces))
	}
	for _, p := range pieces {
		src, _, _ := strings.Cut(p, "```")
		if formatted, diags := Format([]byte(src), "example"); diags != nil || string(formatted) != src {
			t.Errorf("%s\n%s", rendered(t, diags), formatted)
		}
	}
}
