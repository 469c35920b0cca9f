package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/modgw/modgw/internal/fronttest"
)

func TestIncidentsThatAreThereFromTheBeginningAreNamed(t *testing.T) {
	t.Parallel()
	if os.Getenv("MODGW_TEST_STAGED") == "" {
		t.Skip("it takes a minute: set MODGW_TEST_STAGED to run it")
	}
	fronttest.Require(t, "python3", "python3")
	page := filepath.Join(t.TempDir(), "page.md")
	if err := os.WriteFile(page, []byte("before\n"+tableBegin+tableEnd+"\nafter\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	err := run(t.Context(), []string{"-look", "0", "-only", "package is missing|descriptor of a new app", "-out", page}, &log, &log)
	if err != nil {
		t.Fatalf("%v\n%s", err, &log)
	}
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"before\n", "\nafter\n", "2 of 2 incidents are named right", "/srv/app/shop.py:1", "| yes |"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%q is not in the page:\n%s", want, text)
		}
	}
}

func TestIncidentsAreDifferent(t *testing.T) {
	names := map[string]bool{}
	for _, i := range all() {
		if names[i.name] || i.cause == "" || i.says == "" {
			t.Errorf("%+v", i)
		}
		names[i.name] = true
	}
	v := &verdict{incident: all()[0], cause: "other"}
	if v.right() || (table{v}).judge(0) == nil {
		t.Error("another cause is right")
	}
}
