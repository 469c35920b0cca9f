// Command attacks has the apps of one tenant attack another tenant and the host, and checks that
// each attack is denied, is named in the log, and does not hurt the neighbour.
//
//	go run ./bench/attacks                       # as root: all, some minutes
//	go run ./bench/attacks -only 'memory|fork'   # attacks whose names match
//	go run ./bench/attacks -list
//	go run ./bench/attacks -json
//	go run ./bench/attacks -out docs/tenants.md  # writes the table into the page
//
// One host, run by root, serves all apps in a network namespace that cannot reach the machine's
// services. The tenants are the users daemon and bin, which have no other processes. A neighbour of
// the hostile apps gets requests at a fixed rate, before and during attacks that use up resources.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"syscall"
	"time"

	"github.com/modgw/modgw/bench/load"
	"github.com/modgw/modgw/bench/testbed"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	var err error
	if !isInside(ctx, &err) {
		err = run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	}
	stop()
	exit(err)
}

// isInside reports whether the command started this process itself. If so, the work of the process
// is done when isInside returns, and err is its result.
func isInside(ctx context.Context, err *error) bool {
	switch {
	case len(os.Args) == 2 && os.Args[1] == load.Argument:
		*err = load.Main(os.Stdin, os.Stdout)
	case len(os.Args) >= 2 && os.Args[1] == insideArgument:
		if *err = makeNetwork(ctx); *err == nil {
			*err = attackAll(ctx, os.Args[2:], os.Stdout, os.Stderr)
		}
	default:
		return false
	}
	return true
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "attacks:", err)
		os.Exit(1)
	}
}

// options holds the options of the command line.
type options struct {
	only   *regexp.Regexp
	list   bool
	json   bool
	out    string
	host   string
	parent string
	rate   float64
	window time.Duration
	least  int
	log    string
}

func parse(args []string, stderr io.Writer) (o options, err error) {
	flags := flag.NewFlagSet("attacks", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.BoolVar(&o.list, "list", false, "try nothing: list the attacks")
	flags.BoolVar(&o.json, "json", false, "print the outcomes as JSON")
	flags.StringVar(&o.out, "out", "", "page whose table is replaced; none: the table goes to standard output alone")
	flags.StringVar(&o.host, "host", "", "the modgw-host to attack; none: it is built")
	flags.StringVar(&o.parent, "in", "/srv", "folder for the apps; one in /tmp would be a folder that sandboxed apps have of their own")
	flags.Float64Var(&o.rate, "rate", 100, "requests a second to the neighbour while it is measured")
	flags.DurationVar(&o.window, "window", 4*time.Second, "how long the neighbour is measured before and during an attack; 0: not at all")
	flags.IntVar(&o.least, "least", 0, "fail when fewer attacks end well; 0: when one does not")
	flags.StringVar(&o.log, "log", "", "file for the log of the host")
	only := flags.String("only", "", "try only attacks whose names match this pattern")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	o.only, err = regexp.Compile("(?i)" + *only)
	return o, err
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	if o.list {
		for _, a := range all() {
			fmt.Fprintf(stdout, "%-10s %s\n", a.from, a.name)
		}
		return nil
	}
	if os.Geteuid() != 0 {
		return errors.New("run it as root: only root's host serves apps of several users")
	}
	if info, err := os.Stat("/dev/shm"); err == nil && info.Mode().Perm()&0o002 == 0 {
		return errors.New("the neighbour cannot write to /dev/shm, as it can on other machines: chmod 1777 /dev/shm")
	}
	return runInside(ctx, args, stdout, stderr)
}

// attackAll tries the attacks in the network of this process.
func attackAll(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	dir, err := testbed.Folder(o.parent, "attacks")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	t, err := o.attack(ctx, dir, stderr)
	if err != nil {
		return err
	}
	if o.json {
		err = t.writeJSON(stdout)
	} else {
		err = t.write(stdout)
	}
	if err == nil && o.out != "" {
		err = t.replaceIn(o.out)
	}
	return errors.Join(err, t.judge(o.least))
}

// attack tries the attacks one after the other on a host in the folder.
func (o *options) attack(ctx context.Context, dir string, log io.Writer) (table, error) {
	program, err := testbed.HostProgram(ctx, dir, o.host)
	if err != nil {
		return nil, err
	}
	s := &scene{dir: dir, program: program, rate: o.rate, window: o.window}
	if err := s.mountHome(); err != nil {
		return nil, err
	}
	defer s.end()
	if err := testbed.Build(ctx, s.hostile(), "bench/attacks/hostile"); err != nil {
		return nil, err
	}
	if err := s.begin(ctx); err != nil {
		return nil, fmt.Errorf("%w\n%s", err, s.log())
	}
	var t table
	for _, a := range all() {
		if !o.only.MatchString(a.from + " " + a.name) {
			continue
		}
		v := s.try(ctx, a)
		if ctx.Err() != nil {
			return t, ctx.Err()
		}
		fmt.Fprintln(log, v)
		t = append(t, v)
	}
	if o.log != "" {
		return t, os.WriteFile(o.log, []byte(s.log()), 0o600)
	}
	return t, nil
}
