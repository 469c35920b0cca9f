package main

import (
	"fmt"
	"io"
	"time"

	"github.com/modgw/modgw/bench/contest"
)

// Rough costs of the work around the measurements. They serve only to estimate the length of a run.
const (
	// of starting a contestant, with its Apache, until its first page; and of ending it
	startCost = 900 * time.Millisecond
	// of a client's process, and of examining the contestant's processes
	clientCost   = 60 * time.Millisecond
	openCost     = 300 * time.Microsecond // of a connection that is kept
	incidentCost = 1300 * time.Millisecond
	growthCost   = 7 * time.Second
	savingCost   = 8 * time.Second
	buildCost    = 20 * time.Second // of modgw-host with other build tags
)

// tell lists the measurements of a run, each with an estimate of its length.
func (o options) tell(w io.Writer) {
	b := o.bench()
	var total time.Duration
	line := func(cost time.Duration, what any) {
		total += cost
		fmt.Fprintf(w, "%6.0f s  %v\n", cost.Seconds(), what)
	}
	for _, s := range o.plan() {
		field := 0
		for _, c := range contest.All() {
			if o.compares(c) && c.Serves(s.setting) {
				field++
			}
		}
		line(time.Duration(field)*startCost, fmt.Sprintf("to start %d servers: %s", field, s.setting))
		for _, t := range s.tasks {
			line(time.Duration(field)*b.cost(t), s.situation(t))
		}
	}
	for _, s := range o.metered() {
		line(2*startCost+buildCost+time.Duration(2*meteringPairs*b.often)*((b.warmup+b.window)/meteringPart+clientCost), meteringName(s))
	}
	for _, i := range o.incidents() {
		var cost time.Duration
		for _, r := range contest.Reloaders() {
			if o.reloads(r) && b.meets(i, r) {
				cost += incidentCost + time.Duration(i.times(r))*i.window
			}
		}
		line(cost, i)
	}
	for _, i := range o.increases() {
		cost := growthCost
		if i.of == "apps" {
			cost += b.rest
		}
		line(cost, i)
	}
	for _, s := range o.saved() {
		line(savingCost, "saved, "+s.Name)
	}
	fmt.Fprintf(w, "\n%s in all, about, when everything is installed.\n", total.Round(time.Minute))
}

// cost estimates how long one contestant is busy with a task, in all rounds.
func (b *bench) cost(t task) time.Duration {
	warmup, window := b.lasts(t)
	return time.Duration(b.rounds(t)) * (warmup + window + clientCost + time.Duration(t.idle+t.connections)*openCost)
}
