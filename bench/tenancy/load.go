package main

import (
	"context"
	"flag"
	"fmt"
	"time"

	"github.com/modgw/modgw/bench/testbed"
	"github.com/modgw/modgw/modgw/control"
)

// waitingPage answers after waiting for 40 ms, as for a database.
const waitingPage = `
import time

def application(environ, start_response):
    time.sleep(0.04)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"ok"]
`

// measureLoad measures how the number of workers follows the load, and the outcome of the requests.
func measureLoad(ctx context.Context, bed testbed.Bed, args []string) error {
	flags := flag.NewFlagSet("load", flag.ContinueOnError)
	rate := flags.Float64("rate", 200, "requests a second under load")
	during := flags.Duration("during", 20*time.Second, "time of the load")
	after := flags.Duration("after", 60*time.Second, "time after it")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if err := bed.Write("apps/page/app.py", waitingPage); err != nil {
		return err
	}
	if err := bed.Write("apps/page.hcl", `
app "page" {
  root = "${path.dir}/page"
  wsgi {
    entry   = "app.py"
    workers = { min = 1, max = 16 }
    threads = 1
  }
  queue {
    max     = 2000
    timeout = "30s"
  }
}
`); err != nil {
		return err
	}
	host, err := bed.Serve(ctx, "apps")
	if err != nil {
		return err
	}
	defer host.Stop()

	watching, stopWatching := context.WithCancel(ctx)
	changes := make(chan []change, 1)
	began := time.Now()
	go func() { changes <- watchWorkers(watching, host.Client, began) }()
	url := "http://" + host.Address + "/"
	fmt.Println("phase      requests  lost  p50      p99      longest")
	for _, p := range []struct {
		name string
		rate float64
		time time.Duration
	}{{"before", 1, 5 * time.Second}, {"load", *rate, *during}, {"after", 1, *after}} {
		r := sendAtRate(ctx, url, p.rate, p.time)
		fmt.Printf("%-9s  %8d  %4d  %-7s  %-7s  %s\n", p.name, r.sent, r.lost, r.quantile(0.5), r.quantile(0.99), r.quantile(1))
	}
	stopWatching()
	fmt.Println("\nworkers, by seconds since the beginning (the load is from 5 s on):")
	for _, c := range <-changes {
		fmt.Printf("%7.1f s  %2d wanted  %2d ready  %4d queued\n", c.at.Seconds(), c.wanted, c.ready, c.queued)
	}
	return nil
}

// change is the number of workers from a time on.
type change struct {
	at                    time.Duration
	wanted, ready, queued int
}

// watchWorkers records each change of the number of workers.
func watchWorkers(ctx context.Context, client *control.Client, began time.Time) (all []change) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return all
		case <-tick.C:
		}
		s, err := client.Status(ctx)
		if err != nil || len(s.Apps) == 0 {
			continue
		}
		r := s.Apps[0].Runner
		c := change{at: time.Since(began), wanted: r.Wanted, queued: r.Queued}
		for _, w := range r.Workers {
			if w.State == "ready" {
				c.ready++
			}
		}
		if last := len(all) - 1; last < 0 || all[last].wanted != c.wanted || all[last].ready != c.ready {
			all = append(all, c)
		}
	}
}
