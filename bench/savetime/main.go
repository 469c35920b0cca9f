// Command savetime measures the time from saving a file until the new page is served, for
// modgw-host and for the reloaders of other servers, one after the other in the same run.
//
//	go run ./bench/savetime            # needs python3 with venv and a package index, and uses
//	                                   # Apache with mod_wsgi if it is installed
//	go run ./bench/savetime -rounds 9
//
// For each app and server it prints the median in milliseconds, and its ratio to modgw-host's
// median. Compare only ratios of one run: machines differ.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/modgw/modgw/bench/testbed"
)

func main() { testbed.Main("savetime", run) }

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("savetime", flag.ContinueOnError)
	flags.SetOutput(stderr)
	rounds := flags.Int("rounds", 5, "measured saves for each server and app, after one that is not counted")
	if err := flags.Parse(args); err != nil {
		return err
	}
	dir, err := testbed.Folder("", "savetime")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	bench := &bench{dir: dir, python: filepath.Join(dir, "venv/bin/python")}
	if err := bench.prepare(ctx, stderr); err != nil {
		return err
	}
	var results []result
	for _, a := range apps {
		for _, s := range bench.servers() {
			if !s.runs(a) {
				continue
			}
			r, err := bench.measure(ctx, s, a, *rounds)
			if err != nil {
				fmt.Fprintf(stderr, "%s with %s is left out: %v\n", s.name, a.name, err)
				continue
			}
			results = append(results, r)
		}
	}
	return printTable(stdout, results)
}
