// Command incidents stages incidents of real apps on a real host, and checks that the first
// sentence of modgw-host status names the cause.
//
//	go run ./bench/incidents                    # stages all, a few minutes
//	go run ./bench/incidents -only 'queue|loop' # incidents whose names match
//	go run ./bench/incidents -list
//	go run ./bench/incidents -waits             # checks the timeline of requests that wait
//	go run ./bench/incidents -out docs/status.md # writes the table into the page
//
// Each incident runs on its own host, which is asked for its status every second, as by top, a
// dashboard or Prometheus. Some incidents need root, or a program such as php-cgi, and are left out
// if it is missing. The command fails if fewer sentences than -least are right.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/modgw/modgw/bench/testbed"
)

func main() { testbed.Main("incidents", run) }

// options holds the options of the command line.
type options struct {
	only  *regexp.Regexp
	list  bool
	waits bool
	least int
	out   string
	host  string
	trace bool
	look  time.Duration
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var o options
	flags := flag.NewFlagSet("incidents", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.BoolVar(&o.waits, "waits", false, "stage no incident: have requests wait, and check what the timeline says")
	flags.BoolVar(&o.list, "list", false, "stage nothing: list the incidents")
	flags.IntVar(&o.least, "least", 0, "fail when fewer sentences are right; 0: when one is wrong")
	flags.StringVar(&o.out, "out", "", "page whose table is replaced; none: the table goes to standard output alone")
	flags.StringVar(&o.host, "host", "", "the modgw-host to test; none: it is built")
	flags.DurationVar(&o.look, "look", 5*time.Second, "how long a host is looked at before the sentence counts; some incidents take longer")
	flags.BoolVar(&o.trace, "trace", false, "print the status and the log of each host before it ends")
	only := flags.String("only", "", "stage only incidents whose names match this pattern")
	if err := flags.Parse(args); err != nil {
		return err
	}
	var err error
	if o.only, err = regexp.Compile("(?i)" + *only); err != nil {
		return err
	}
	if o.list {
		for _, i := range all() {
			fmt.Fprintf(stdout, "%-28s %s\n", i.name, i.cause)
		}
		return nil
	}
	return o.stage(ctx, stdout, stderr)
}

// stage stages the incidents one after the other, and prints the diagnosis of each.
func (o *options) stage(ctx context.Context, stdout, stderr io.Writer) error {
	dir, err := testbed.Folder("", "incidents")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if o.host, err = testbed.HostProgram(ctx, dir, o.host); err != nil {
		return err
	}
	if o.waits {
		return (&scene{dir: filepath.Join(dir, "waits"), program: o.host}).inject(ctx, stdout)
	}
	var t table
	for n, i := range all() {
		if !o.only.MatchString(i.name) {
			continue
		}
		s := &scene{dir: filepath.Join(dir, fmt.Sprint(n)), program: o.host, look: o.look}
		if o.trace {
			s.trace = stderr
		}
		v := s.play(ctx, i)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		fmt.Fprintln(stderr, v)
		t = append(t, v)
	}
	if err := t.write(stdout); err != nil {
		return err
	}
	if o.out != "" {
		if err := t.replaceIn(o.out); err != nil {
			return err
		}
	}
	return t.judge(o.least)
}
