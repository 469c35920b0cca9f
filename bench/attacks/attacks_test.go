package main

import (
	"bytes"
	"context"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/modgw/modgw/internal/fronttest"
)

func TestMain(m *testing.M) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	var err error
	if isInside(ctx, &err) {
		stop()
		exit(err)
		return
	}
	stop()
	os.Exit(m.Run())
}

func TestCheapAttacksGetNothing(t *testing.T) {
	t.Parallel()
	if os.Getenv("MODGW_TEST_STAGED") == "" {
		t.Skip("it takes a minute: set MODGW_TEST_STAGED to run it")
	}
	if os.Getuid() != 0 {
		t.Skip("only root's host serves apps of several users")
	}
	fronttest.Require(t, "python3", "python3")
	fronttest.Require(t, "ip", "iproute2")
	if _, err := os.Stat("/usr/bin/python3"); err != nil {
		t.Skip("users other than root need a Python of the system")
	}
	page := filepath.Join(t.TempDir(), "page.md")
	if err := os.WriteFile(page, []byte("before\n"+tableBegin+tableEnd+"\nafter\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	only := "Python read a file that the neighbour left open|Go connect to a granted port|CGI kill the host|user stop the neighbour|" +
		"descriptor (run as root|serve the neighbour's folder by an alias)"
	var log bytes.Buffer
	if err := run(t.Context(), []string{"-window", "0", "-only", only, "-out", page}, &log, &log); err != nil {
		t.Fatalf("%v\n%s", err, &log)
	}
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"before\n", "\nafter\n", "Of 6 attacks 6 are denied, 6 are named", "MGW-CFG-016"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%q is not in the page:\n%s", want, text)
		}
	}
}

func TestAttacksAreDifferent(t *testing.T) {
	names := map[string]bool{}
	for _, a := range all() {
		name := a.from + " " + a.name
		if names[name] || a.by == "" || a.denied == "" {
			t.Errorf("%s: %+v", name, a)
		}
		names[name] = true
	}
	if len(names) < 40 {
		t.Errorf("there are %d attacks", len(names))
	}
}

func TestVerdicts(t *testing.T) {
	well := verdict{Denied: true, Named: true, Unhurt: true}
	for _, spoil := range []func(*verdict){
		func(v *verdict) { v.Denied = false }, func(v *verdict) { v.Named = false },
		func(v *verdict) { v.Unhurt = false }, func(v *verdict) { v.Failed = "none" },
	} {
		v := well
		spoil(&v)
		if v.good() || (table{&v}).judge(0) == nil {
			t.Errorf("%+v is good", v)
		}
	}
	if err := (table{&well}).judge(0); err != nil {
		t.Error(err)
	}
}
