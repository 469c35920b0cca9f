package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/modgw/modgw/loader/migrate/replay"
)

// outcome is the result of a verification as JSON has it.
type outcome struct {
	Old       string          `json:"old"`       // URL of the old server
	New       string          `json:"new"`       // URL of the new one
	Alike     int             `json:"alike"`     // requests with the same answer
	Different int             `json:"different"` // requests whose answers differ
	Failed    int             `json:"failed"`    // requests that the old server did not answer
	Results   []replay.Result `json:"results"`   // those that are not alike
}

func newOutcome(s *servers, results []replay.Result) outcome {
	o := outcome{Old: s.oldURL().String(), New: s.newURL().String(), Results: []replay.Result{}}
	for _, r := range results {
		switch {
		case r.Alike():
			o.Alike++
			continue
		case r.Failed != "":
			o.Failed++
		default:
			o.Different++
		}
		o.Results = append(o.Results, r)
	}
	return o
}

// print writes the outcome for people. Requests that differ in the same way are grouped.
func (o outcome) print(w io.Writer) {
	var order []string
	alike := map[string][]replay.Result{}
	for _, r := range o.Results {
		key := differencesOf(r)
		if alike[key] == nil {
			order = append(order, key)
		}
		alike[key] = append(alike[key], r)
	}
	for _, key := range order {
		printRequests(w, alike[key])
		fmt.Fprintln(w, key)
	}
	fmt.Fprintf(w, "%d alike, %d different, %d not answered by the old server\n", o.Alike, o.Different, o.Failed)
}

// mostNamed is the largest number of requests that are named in a group.
const mostNamed = 5

func printRequests(w io.Writer, results []replay.Result) {
	for _, r := range results[:min(len(results), mostNamed)] {
		fmt.Fprintf(w, "%s  (%s)\n", r.Request, r.From)
	}
	if more := len(results) - mostNamed; more > 0 {
		fmt.Fprintf(w, "and %d more\n", more)
	}
}

// differencesOf are the lines about the differences of a request, and about their causes.
func differencesOf(r replay.Result) string {
	var w strings.Builder
	writeDifferences(&w, r)
	return w.String()
}

func writeDifferences(w io.Writer, r replay.Result) {
	if r.Failed != "" {
		fmt.Fprintf(w, "  not compared: %s\n", r.Failed)
	}
	for _, d := range r.Differences {
		fmt.Fprintf(w, "  %s\n", strings.ReplaceAll(d.String(), "\n", "\n  "))
	}
	if r.Unsteady {
		fmt.Fprintln(w, "  not always: in another attempt, the answers were alike")
	}
	for i, s := range r.Suspects {
		label := "likely cause"
		if i > 0 {
			label = "or          "
		}
		place := ""
		switch {
		case s.Line > 0:
			place = fmt.Sprintf("%s:%d: ", s.File, s.Line)
		case s.File != "":
			place = s.File + ": "
		}
		fmt.Fprintf(w, "  %s: %s%s: %s\n", label, place, s.Directive, s.Reason)
	}
}

// progressEvery is the interval of progress lines if stderr is no terminal.
const progressEvery = 5 * time.Second

// progress shows on stderr how far a verification is.
type progress struct {
	console
	all, done, differ int
	shown             time.Time
	terminal          bool
}

func newProgress(c console, all int) *progress {
	fmt.Fprintf(c.stderr, "comparing %d requests\n", all)
	return &progress{console: c, all: all, shown: time.Now(), terminal: c.onTerminal()}
}

func (p *progress) add(r replay.Result) {
	p.done++
	if !r.Alike() {
		p.differ++
	}
	every := progressEvery
	if p.terminal {
		every = 100 * time.Millisecond
	}
	if now := time.Now(); now.Sub(p.shown) >= every {
		p.shown = now
		p.show()
	}
}

func (p *progress) show() {
	text := fmt.Sprintf("%d of %d compared, %d not alike", p.done, p.all, p.differ)
	if p.terminal {
		fmt.Fprintf(p.stderr, "\r%s\x1b[K", text)
		return
	}
	fmt.Fprintln(p.stderr, text)
}

// end takes the line of a terminal away.
func (p *progress) end() {
	if p.terminal {
		fmt.Fprint(p.stderr, "\r\x1b[K")
	}
}
