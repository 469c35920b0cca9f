package main

import (
	"flag"
	"io"
	"regexp"
	"time"
)

// options are those of the command line.
type options struct {
	smallest, full bool
	only, against  *regexp.Regexp // nil: everything
	rounds         int
	window         time.Duration
	out            string
}

func parse(args []string, stderr io.Writer) (o options, err error) {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.BoolVar(&o.smallest, "smallest", false, "only see that everything works: modgw and wsgiref, one round of a second")
	flags.BoolVar(&o.full, "full", false, "measure everything, which takes hours")
	flags.Func("only", "measure only what this `pattern` matches, such as 'hello.*direct'", into(&o.only))
	flags.Func("against", "only the servers that this `pattern` matches; modgw is always there", into(&o.against))
	flags.IntVar(&o.rounds, "rounds", 3, "how often each is asked")
	flags.DurationVar(&o.window, "window", 600*time.Millisecond, "how long each is asked in a round")
	flags.StringVar(&o.out, "out", "", "folder for report.json, report.md and plots; none: the tables go to standard output")
	return o, flags.Parse(args)
}

func into(pattern **regexp.Regexp) func(string) error {
	return func(text string) (err error) {
		*pattern, err = regexp.Compile("(?i)" + text)
		return err
	}
}

// matches says whether a pattern lets a name through.
func matches(pattern *regexp.Regexp, name string) bool {
	return pattern == nil || pattern.MatchString(name)
}

func (o options) size() size {
	switch {
	case o.smallest:
		return smallest
	case o.full:
		return full
	}
	return usual
}

// incidents are what the options leave of the incidents.
func (o options) incidents() (left []incident) {
	for _, i := range incidents(o.size()) {
		if matches(o.only, i.String()) {
			left = append(left, i)
		}
	}
	return left
}

// increases are what the options leave of what modgw grows with.
func (o options) increases() (left []increase) {
	for _, i := range increases(o.size()) {
		if matches(o.only, i.String()) {
			left = append(left, i)
		}
	}
	return left
}

// plan is what the options leave of the stages and their tasks.
func (o options) plan() (stages []stage) {
	for _, s := range plan(o.size()) {
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
