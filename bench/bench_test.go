package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/modgw/modgw/bench/contest"
	"github.com/modgw/modgw/bench/load"
	"github.com/modgw/modgw/bench/report"
	"github.com/modgw/modgw/internal/fronttest"
)

// The client is this binary, in a separate process.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == load.Argument {
		exit(load.Main(os.Stdin, os.Stdout))
		return
	}
	os.Exit(m.Run())
}

func TestSmallestRunMeasuresEverybody(t *testing.T) {
	fronttest.Require(t, "python3", "python3")
	fronttest.Require(t, "apache2", "apache2")
	out := t.TempDir()
	var log bytes.Buffer
	host := os.Getenv("MODGW_TEST_PROGRAM")
	args := []string{"-smallest", "-window", "200ms", "-out", out, "-host", host}
	if err := run(t.Context(), args, &log, &log); err != nil {
		t.Fatalf("%v\n%s", err, &log)
	}
	text, err := os.ReadFile(filepath.Join(out, "report.json"))
	if err != nil {
		t.Fatal(err)
	}
	var r report.Report
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	seen := map[contest.Front]bool{}
	for _, row := range r.Rows {
		if row.Failed != "" || row.Requests == 0 || len(row.Errors) > 0 || row.TotalMemory() == 0 {
			t.Errorf("%s: %+v\n%s", row.Contestant, row, &log)
		}
		if row.Contestant == contest.Ours {
			seen[row.Front] = true
		}
	}
	if !seen[contest.Direct] || !seen[contest.Apache] {
		t.Errorf("modgw was not measured everywhere:\n%s", &log)
	}
}
