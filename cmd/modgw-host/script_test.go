package main

import (
	"context"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/modgw/modgw/internal/faulttest"
	"github.com/modgw/modgw/internal/watchtest"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/control"
	"github.com/modgw/modgw/modgw/host"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"modgw-host": func() {
			ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
			defer stop()
			os.Exit(run(ctx, os.Args[1:], console{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr}))
		},
	})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:         "testdata/script",
		WorkdirRoot: t.TempDir(), // its default remains if only some of the scripts are run
		Cmds:        map[string]func(*testscript.TestScript, bool, []string){"waitready": waitReady, "explained": explained},
		Setup: func(e *testscript.Env) error {
			e.Setenv("XDG_STATE_HOME", filepath.Join(e.WorkDir, ".state"))
			// A short path: a Unix socket's name has at most 107 bytes.
			state, err := os.MkdirTemp("", "mh")
			if err != nil {
				return err
			}
			e.Defer(func() { os.RemoveAll(state) })
			e.Setenv("STATE", state)
			e.Setenv("GORACE", os.Getenv("GORACE"))
			return nil
		},
	})
}

// explained checks that the last command has printed a code with a message that troubleshooting.md
// quotes for the code.
func explained(ts *testscript.TestScript, _ bool, args []string) {
	if err := faulttest.Check(ts.ReadFile("stderr"), args[0]); err != nil {
		ts.Fatalf("%v", err)
	}
}

// waitReady waits until every app of the script's host serves.
func waitReady(ts *testscript.TestScript, _ bool, _ []string) {
	client := control.NewClient(host.ControlAddress(ts.Getenv("STATE")))
	deadline := time.After(watchtest.Patience)
	for !serving(client) {
		select {
		case <-deadline:
			ts.Fatalf("the host never became ready")
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func serving(client *control.Client) bool {
	status, err := client.Status(context.Background())
	if err != nil {
		return false
	}
	for _, app := range status.Apps {
		if app.State != modgw.AppServing {
			return false
		}
	}
	return len(status.Apps) > 0
}
