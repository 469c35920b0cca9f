package apache

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/modgw/modgw/internal/faulttest"
	"github.com/modgw/modgw/internal/fronttest"
	"github.com/modgw/modgw/modgw"
)

// fakeApache writes a program that answers queries as Apache does, with the modules compiled in,
// and that runs body when it is to serve.
func fakeApache(t *testing.T, modules []string, body string) string {
	t.Helper()
	path := filepath.Join(fronttest.Dir(t), "httpd")
	script := fmt.Sprintf("#!/bin/sh\ncase \"$*\" in\n-v) echo 'Server version: Apache/2.4.62 (Unix)' ;;\n-l) printf '  mod_%%s.c\\n' %s ;;\n"+
		"-t*) ;;\n*) %s ;;\nesac\n", strings.Join(modules, " "), body)
	if err := os.WriteFile(path, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// withoutModules hides the modules of this machine's own Apache.
func withoutModules(t *testing.T) {
	folders := moduleFolders
	moduleFolders = nil
	t.Cleanup(func() { moduleFolders = folders })
}

func TestAMachineWithoutApacheIsTold(t *testing.T) {
	folders := programFolders
	programFolders = nil
	t.Cleanup(func() { programFolders = folders })
	t.Setenv("PATH", t.TempDir())
	if _, err := Find(t.Context(), ""); err == nil {
		t.Error("one was found")
	} else {
		faulttest.Want(t, err.Error(), "MGW-APA-003")
	}
}

func TestAnApacheThatCannotServeIsExplained(t *testing.T) {
	withoutModules(t)
	config := RunConfig{Listeners: []modgw.Listener{{Kind: "fastcgi", Address: "unix:/run/none.sock"}}}
	up, err := upstreamOf(config.Listeners, nil)
	if err != nil {
		t.Fatal(err)
	}
	all := append([]string{"mpm_event"}, append(needs(up, nil, Options{}), privateModules...)...)
	for name, c := range map[string]struct {
		modules []string
		body    string
		code    string
	}{
		"modules are missing": {[]string{"core"}, "exit 1", "MGW-APA-004"},
		"it ends":             {all, "echo 'make_sock: could not bind'; exit 1", "MGW-APA-006"},
		"it is silent":        {all, "exec sleep 60", "MGW-APA-008"},
	} {
		t.Run(name, func(t *testing.T) {
			config.Program, config.Dir, config.Port = fakeApache(t, c.modules, c.body), fronttest.Dir(t), fronttest.FreePort(t)
			s := New(config)
			s.startGrace = time.Second
			err := s.Run(t.Context())
			if err == nil {
				t.Fatal("it served")
			}
			faulttest.Want(t, err.Error(), c.code)
		})
	}
}
