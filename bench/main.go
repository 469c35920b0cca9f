// Command bench compares modgw-host with other servers, directly and behind the same Apache.
//
//	go run ./bench             # minutes; installs the peers into a cache folder, some of them
//	                           # as root with apt-get
//	go run ./bench -full       # three quarters of an hour; -plan lists the measurements
//	go run ./bench -only 'hello.*apache' -against uWSGI
//	go run ./bench -smallest   # checks only that it works: modgw and wsgiref, a round of a second
//	go run ./bench -out docs/performance
//
// All contestants of a comparison run at the same time and are measured in turn, in several rounds,
// so that other load on the machine affects all of them. Compare only ratios of one run: machines
// differ.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/modgw/modgw/bench/contest"
	"github.com/modgw/modgw/bench/load"
	"github.com/modgw/modgw/bench/report"
	"github.com/modgw/modgw/bench/testbed"
)

func main() {
	if len(os.Args) == 2 && os.Args[1] == load.Argument {
		exit(load.Main(os.Stdin, os.Stdout))
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	exit(err)
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	if o.list {
		o.tell(stdout)
		return nil
	}
	if o.from != "" {
		r, err := report.Read(o.from)
		if err != nil {
			return err
		}
		return write(r, o.out, stdout)
	}
	dir, err := testbed.Folder("", "bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b, err := prepare(ctx, o, dir, stderr)
	if err != nil {
		return err
	}
	r := &report.Report{
		Command: strings.TrimSpace("go run ./bench " + strings.Join(args, " ")), Began: time.Now(), Rounds: b.often, Window: b.window,
		Machine: report.ThisMachine(), Versions: b.kit.Versions(ctx),
	}
	measuring := b.everyPart(ctx, o, r)
	r.Took = time.Since(r.Began)
	// An interrupted run still has some results.
	return errors.Join(measuring, write(r, o.out, stdout))
}

// everyPart runs all parts of the benchmark that the options select.
func (b *bench) everyPart(ctx context.Context, o options, r *report.Report) error {
	if o.calls {
		for _, s := range o.plan() {
			r.Calls = append(r.Calls, b.countCalls(ctx, s)...)
		}
		return ctx.Err()
	}
	for _, s := range o.plan() {
		rows, err := b.run(ctx, s)
		r.Rows = append(r.Rows, rows...)
		if err != nil {
			return err
		}
	}
	for _, s := range o.metered() {
		r.Metering = append(r.Metering, b.metering(ctx, s))
	}
	for _, i := range o.incidents() {
		r.Reloads = append(r.Reloads, b.reloads(ctx, i)...)
	}
	for _, i := range o.increases() {
		r.Growth = append(r.Growth, b.grow(ctx, i))
	}
	for _, site := range o.saved() {
		s, err := b.savings(ctx, site, 5)
		if err != nil {
			return err
		}
		r.Savings = append(r.Savings, s)
	}
	return ctx.Err()
}

// prepare installs the contestants.
func prepare(ctx context.Context, o options, dir string, log io.Writer) (*bench, error) {
	kit, err := contest.NewKit(ctx, dir, o.host, log)
	if err != nil {
		return nil, err
	}
	client := o.clientProcessor()
	if client > 1 {
		kit.Processors = fmt.Sprintf("0-%d", client-2)
	}
	b := o.bench()
	b.dir, b.kit, b.client, b.log = dir, kit, client, log
	if o.size != smallest {
		cache, err := contest.CacheFolder()
		if err != nil {
			return nil, err
		}
		if err := kit.Install(ctx, cache); err != nil {
			return nil, err
		}
	}
	for _, c := range kit.Usable(contest.All()) {
		if o.compares(c) {
			b.contestants = append(b.contestants, c)
		}
	}
	for _, r := range contest.Reloaders() {
		if o.reloads(r) && kit.Has(r.Contestant) {
			b.reloaders = append(b.reloaders, r)
		}
	}
	return b, nil
}

func write(r *report.Report, out string, stdout io.Writer) error {
	if out == "" {
		return r.WriteMarkdown(stdout)
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	if err := r.WriteJSON(filepath.Join(out, "report.json")); err != nil {
		return err
	}
	if err := r.WritePlots(out); err != nil {
		return err
	}
	if err := r.WriteSummary(filepath.Clean(out) + ".md"); err != nil {
		return err
	}
	table, err := os.Create(filepath.Join(out, "report.md"))
	if err != nil {
		return err
	}
	defer table.Close()
	return r.WriteMarkdown(table)
}
