// Command sleeping measures the cost of Django sites without requests: the memory of each, awake
// and asleep, and the time that a request takes to wake one. All sites run in one environment, as
// one user, on one host.
//
//	go run ./bench/sleeping                 # 200 sites: 24 GB of memory are enough
//	go run ./bench/sleeping -sites 20
//	go run ./bench/sleeping -python /srv/venv/bin/python   # which has Django
//
// It measures the same sites in several ways, one after the other: with and without templates, and
// with workers that are forked from their template after a restart. Memory is the proportional set
// size (PSS) of the processes, so that shared memory counts once. "start" is the first request,
// which starts a site as it does after stop_after.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"time"

	"github.com/modgw/modgw/bench/testbed"
)

func main() { testbed.Main("sleeping", run) }

// way is a way of running the sites.
type way struct {
	name     string
	template bool
	restart  bool // the workers are replaced before they are measured
}

var ways = []way{
	{name: "no template"},
	{name: "template", template: true},
	{name: "forked from a template", template: true, restart: true},
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("sleeping", flag.ContinueOnError)
	flags.SetOutput(stderr)
	sites := flags.Int("sites", 200, "Django sites")
	python := flags.String("python", "", "an interpreter that has Django; none: Django is installed for the measurement")
	program := flags.String("host", "", "the modgw-host to measure; none: it is built")
	if err := flags.Parse(args); err != nil {
		return err
	}
	bed, err := testbed.New(ctx, "sleeping", *program)
	if err != nil {
		return err
	}
	defer bed.Remove()
	if *python == "" {
		if *python, err = installDjango(ctx, bed.Dir); err != nil {
			return err
		}
	}
	fmt.Fprintf(stdout, "%d sites\n%-24s %9s %9s %9s %9s %9s %9s %9s\n", *sites, "MiB of each",
		"awake", "asleep", "template", "wake p50", "wake p95", "awake p95", "start p95")
	for i, w := range ways {
		h := &host{dir: filepath.Join(bed.Dir, fmt.Sprint(i)), program: bed.Program, python: *python, sites: *sites, way: w}
		m, err := h.measure(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w\n%s", w.name, err, h.running.Log())
		}
		fmt.Fprintf(stdout, "%-24s %9.1f %9.1f %9.1f %9s %9s %9s %9s\n", w.name, m.awake, m.asleep, m.template,
			quantile(m.wakes, 0.5), quantile(m.wakes, 0.95), quantile(m.answers, 0.95), quantile(m.starts, 0.95))
	}
	return ctx.Err()
}

// quantile sorts durations and returns the duration below which a part of them is.
func quantile(all []time.Duration, part float64) time.Duration {
	slices.Sort(all)
	d := all[min(len(all)-1, int(part*float64(len(all))))]
	if d < 10*time.Millisecond {
		return d.Round(10 * time.Microsecond)
	}
	return d.Round(time.Millisecond)
}
