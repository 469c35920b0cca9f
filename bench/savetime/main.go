// Command savetime measures how long it takes from saving a file until the new page is answered,
// for modgw-host and for the reloaders of other servers, one after the other in the same run.
//
//	go run ./bench/savetime            # needs python3 with venv and a package index, and uses
//	                                   # Apache with mod_wsgi if it is installed
//	go run ./bench/savetime -rounds 9
//
// It prints, for each app, the median in milliseconds and how many times longer than modgw-host's
// that is. Only ratios of one run mean anything: machines differ.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
)

func main() {
	rounds := flag.Int("rounds", 5, "measured saves for each server and app, after one that is not counted")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *rounds); err != nil {
		fmt.Fprintln(os.Stderr, "savetime:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, rounds int) error {
	dir, err := os.MkdirTemp("", "savetime")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	// Apache's user has to enter it.
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	bench := &bench{dir: dir, python: filepath.Join(dir, "venv/bin/python"), host: filepath.Join(dir, "modgw-host")}
	if err := bench.prepare(ctx); err != nil {
		return err
	}
	var results []result
	for _, a := range apps {
		for _, s := range bench.servers() {
			if !s.runs(a) {
				continue
			}
			r, err := bench.measure(ctx, s, a, rounds)
			if err != nil {
				fmt.Fprintf(os.Stderr, "%s with %s is left out: %v\n", s.name, a.name, err)
				continue
			}
			results = append(results, r)
		}
	}
	return printTable(os.Stdout, results)
}
