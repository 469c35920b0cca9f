package host

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/modgw/modgw/internal/faulttest"
)

func TestAFileForAWebServerDescribesOneApp(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "site.fcgi")
	const head = "#!/usr/bin/env modgw-host\n"
	const one = "app \"one\" {\n  static { dir = \".\" }\n}\n"
	const two = "app \"two\" {\n  mount = \"/two\"\n  static { dir = \".\" }\n}\n"
	for text, code := range map[string]string{head + one + two: "MGW-HST-018", head + one: ""} {
		if err := os.WriteFile(file, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
		h, err := New(Config{Targets: []string{file}, State: filepath.Join(dir, "state"), Script: true})
		if err != nil {
			t.Fatal(err)
		}
		switch _, err = h.load(); {
		case code == "" && err != nil:
			t.Error(err)
		case code != "" && err == nil:
			t.Errorf("%q is served", text)
		case code != "":
			faulttest.Want(t, err.Error(), code)
		}
	}
}
