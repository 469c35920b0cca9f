package main

import (
	"flag"
	"io"
	"regexp"
	"runtime"
	"time"

	"github.com/modgw/modgw/bench/contest"
)

// options holds the options of the command line.
type options struct {
	size          size
	pin           bool
	list          bool
	calls         bool
	only, against *regexp.Regexp // nil: everything
	rounds        int
	window        time.Duration
	host          string // program; "": it is built
	out, from     string
}

func parse(args []string, stderr io.Writer) (o options, err error) {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	o.size = usual
	is := func(s size) func(string) error {
		return func(string) error { o.size = s; return nil }
	}
	flags.BoolFunc("smallest", "only see that everything works: modgw and wsgiref, one round of a second", is(smallest))
	flags.BoolFunc("full", "measure everything, which takes three quarters of an hour", is(full))
	flags.BoolVar(&o.pin, "pin", false, "keep the client on the last processor and the servers off it, with four processors or more")
	flags.BoolVar(&o.list, "plan", false, "measure nothing: list what would be, and how long it takes")
	flags.BoolVar(&o.calls, "calls", false, "count the system calls for each answer, process by process, and measure nothing else; with perf, as root")
	flags.Func("only", "measure only what this `pattern` matches, such as 'hello.*direct'", into(&o.only))
	flags.Func("against", "only the servers that this `pattern` matches; modgw is always there", into(&o.against))
	flags.IntVar(&o.rounds, "rounds", 3, "how often each is asked")
	flags.DurationVar(&o.window, "window", 400*time.Millisecond, "how long each is asked in a round")
	flags.StringVar(&o.host, "host", "", "the modgw-host to measure; none: it is built")
	flags.StringVar(&o.from, "from", "", "measure nothing and write the tables and plots of this report.json")
	flags.StringVar(&o.out, "out", "", "folder for report.json, report.md and plots; none: the tables go to standard output")
	return o, flags.Parse(args)
}

// clientProcessor returns the number, from 1, of the processor reserved for the client; 0: none.
func (o options) clientProcessor() int {
	if n := runtime.NumCPU(); o.pin && n >= 4 {
		return n
	}
	return 0
}

func into(pattern **regexp.Regexp) func(string) error {
	return func(text string) (err error) {
		*pattern, err = regexp.Compile("(?i)" + text)
		return err
	}
}

// matches reports whether a name matches a pattern. A nil pattern matches every name.
func matches(pattern *regexp.Regexp, name string) bool {
	return pattern == nil || pattern.MatchString(name)
}

// bench returns a bench whose kit is not installed yet.
func (o options) bench() *bench {
	b := &bench{everything: o.size == full, often: o.rounds, warmup: o.window / 5, window: o.window, rest: restTime}
	if o.size == smallest {
		b.often, b.rest = 1, 2*o.window
	}
	return b
}

// compares reports whether a contestant takes part. The slowest, which is included only because it
// comes with Python, has no peer in a larger run.
func (o options) compares(c contest.Contestant) bool {
	ours := c.Name == contest.Ours || c.Name == contest.Default
	return ours || matches(o.against, c.Name) && (o.size == smallest || c.Name != contest.Stdlib)
}

// reloads reports whether a reloader takes part.
func (o options) reloads(r contest.Reloader) bool {
	if o.size == smallest {
		return r.Name == contest.Ours
	}
	return r.Ours() || matches(o.against, r.Name)
}

// incidents returns the incidents that the options select.
func (o options) incidents() (left []incident) {
	for _, i := range incidents(o.size) {
		if matches(o.only, i.String()) {
			left = append(left, i)
		}
	}
	return left
}

// increases returns the increases that the options select.
func (o options) increases() (left []increase) {
	for _, i := range increases(o.size) {
		if matches(o.only, i.String()) {
			left = append(left, i)
		}
	}
	return left
}

// saved returns the sites that are saved to measure how soon the new page is served.
func (o options) saved() []contest.Site {
	if o.size == smallest || !matches(o.only, "saved") {
		return nil
	}
	return []contest.Site{contest.OnePage, contest.DjangoPage}
}

// plan returns the stages and tasks that the options select.
func (o options) plan() (stages []stage) {
	for _, s := range plan(o.size) {
		var tasks []task
		for _, t := range s.tasks {
			if matches(o.only, s.situation(t).String()) {
				tasks = append(tasks, t)
			}
		}
		if s.tasks = tasks; len(tasks) > 0 {
			stages = append(stages, s)
		}
	}
	return stages
}
