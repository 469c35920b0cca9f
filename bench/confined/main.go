// Command confined measures the cost of the sandbox: answers per second of a WSGI app with and
// without the sandbox, the time of a CGI script, which starts for each request, and the processor
// time that the host and its processes use for an answer.
//
//	go run ./bench/confined
//	go run ./bench/confined -rounds 15 -time 3s
//
// The apps run on one host and take turns. Compare only ratios of one run: machines differ. On a
// machine that others use as well, processor time is more reliable than answers per second. The
// exit code is 1 if the sandbox costs more than it may.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/modgw/modgw/bench/testbed"
)

// measured is an app that runs with and without the sandbox.
type measured struct {
	name        string
	connections int
}

func main() { testbed.Main("confined", run) }

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("confined", flag.ContinueOnError)
	flags.SetOutput(stderr)
	rounds := flags.Int("rounds", 9, "turns of each app")
	length := flags.Duration("time", 2*time.Second, "length of a turn")
	if err := flags.Parse(args); err != nil {
		return err
	}
	bed, err := testbed.New(ctx, "confined", "")
	if err != nil {
		return err
	}
	defer bed.Remove()
	h, err := serve(ctx, bed)
	if err != nil {
		return err
	}
	defer h.Stop()
	served, err := h.compare(ctx, measured{"wsgi", 16}, *rounds, *length)
	if err != nil {
		return err
	}
	served.print(stdout, "wsgi")
	started, err := h.compare(ctx, measured{"cgi", 1}, *rounds, *length)
	if err != nil {
		return err
	}
	started.print(stdout, "cgi")
	return verdict(stdout, served, started)
}

// comparison holds the turns of an app, in consecutive pairs.
type comparison struct {
	free, confined []turn
}

// compare measures an app and its confined twin in turn. The order changes each round, so that it
// favours neither.
func (h host) compare(ctx context.Context, m measured, rounds int, length time.Duration) (comparison, error) {
	var c comparison
	for round := range rounds {
		order := []string{m.name, m.name + "-confined"}
		if round%2 == 1 {
			slices.Reverse(order)
		}
		for _, app := range order {
			t, err := h.ask(ctx, app, m.connections, length)
			if err != nil {
				return c, err
			}
			if app == m.name {
				c.free = append(c.free, t)
			} else {
				c.confined = append(c.confined, t)
			}
		}
	}
	return c, nil
}

func (c comparison) print(w io.Writer, name string) {
	fmt.Fprintf(w, "%-5s %9.0f answers a second without, %9.0f with the sandbox: × %.3f\n", name,
		median(c.free, rate), median(c.confined, rate), c.ratio(rate))
	fmt.Fprintf(w, "%-5s %9.1f µs of processor time for an answer without, %9.1f with: × %.3f\n", name,
		median(c.free, cost), median(c.confined, cost), c.ratio(cost))
}

// verdict prints the costs and returns an error if they exceed the limits.
func verdict(w io.Writer, served, started comparison) error {
	const (
		mostCost  = 1.03                 // processor time of an answer of the WSGI app, as a ratio
		mostDelay = 5 * time.Millisecond // of the start of a process
	)
	ratio := served.ratio(cost)
	delay := time.Duration((1/median(started.confined, rate) - 1/median(started.free, rate)) * float64(time.Second))
	fmt.Fprintf(w, "an answer costs %+.1f %% (at most %.0f %%), a start takes %.2f ms longer (at most %.0f ms)\n",
		100*(ratio-1), 100*(mostCost-1), delay.Seconds()*1000, mostDelay.Seconds()*1000)
	if ratio > mostCost || delay > mostDelay {
		return errors.New("the sandbox costs more than it may")
	}
	return nil
}

func rate(t turn) float64 { return t.perSecond }

func cost(t turn) float64 { return float64(t.cpu) / float64(time.Microsecond) }

// ratio returns the median, over the pairs of turns, of the confined value divided by the free one.
func (c comparison) ratio(of func(turn) float64) float64 {
	ratios := make([]float64, len(c.free))
	for i := range ratios {
		ratios[i] = of(c.confined[i]) / of(c.free[i])
	}
	return middle(ratios)
}

func median(turns []turn, of func(turn) float64) float64 {
	values := make([]float64, len(turns))
	for i, t := range turns {
		values[i] = of(t)
	}
	return middle(values)
}

func middle(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}
