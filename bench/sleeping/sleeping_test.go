package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/modgw/modgw/internal/fronttest"
)

func TestSitesThatSleepAreMeasured(t *testing.T) {
	t.Parallel()
	if os.Getenv("MODGW_TEST_STAGED") == "" {
		t.Skip("it installs Django and takes a minute: set MODGW_TEST_STAGED to run it")
	}
	fronttest.Require(t, "python3", "python3")
	var stdout, stderr bytes.Buffer
	if err := run(t.Context(), []string{"-sites", "2"}, &stdout, &stderr); err != nil {
		t.Fatalf("%v\n%s", err, &stderr)
	}
	for _, w := range ways {
		if !strings.Contains(stdout.String(), "\n"+w.name+" ") {
			t.Errorf("no row for %q in\n%s", w.name, &stdout)
		}
	}
}
