package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/modgw/modgw/bench/testbed"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/control"
)

const (
	// sleepAfter is the idle time after which a site sleeps.
	sleepAfter = 5 * time.Second

	// patience limits the wait for all sites to start, or to fall asleep.
	patience = 15 * time.Minute
)

// host is a host that serves the sites.
type host struct {
	dir, program, python string
	sites                int
	way                  way
	address              string // address of its HTTP listener
	running              *testbed.Program
	client               *control.Client
}

// measurement holds the results for one way of running the sites.
type measurement struct {
	awake, asleep, template float64 // MiB of each
	// times of requests that start a site, wake it, or find it awake
	starts, wakes, answers []time.Duration
}

// measure starts the host, measures, and stops it.
func (h *host) measure(ctx context.Context) (m measurement, err error) {
	if err := h.write(); err != nil {
		return m, err
	}
	if h.running, err = testbed.Start(h.dir, nil, h.program, "serve", "-c", filepath.Join(h.dir, "modgw.hcl")); err != nil {
		return m, err
	}
	defer h.running.Stop()
	h.client = control.NewClient(modgw.Address("unix:" + filepath.Join(h.dir, "state/control.sock")))
	await := func(try func(context.Context) error) {
		if err == nil {
			err = h.running.Await(ctx, patience, try)
		}
	}
	await(func(ctx context.Context) error { _, err := h.client.Status(ctx); return err })
	if err != nil {
		return m, err
	}
	if m.starts, _, err = h.askEach(ctx); err != nil {
		return m, err
	}
	await(h.haveTemplates)
	// A site that fell asleep before others shared its template has lost the template, and gets it
	// again when its workers have started once more.
	for round := 0; h.way.restart && round < 2; round++ {
		for n := 0; n < h.sites && err == nil; n++ {
			err = h.client.Do(ctx, "restart", siteName(n), true)
		}
		testbed.Pause(ctx, sleepAfter)
	}
	await(h.sleep)
	if err != nil {
		return m, err
	}
	if m.asleep, m.template, err = h.memory(ctx); err != nil {
		return m, err
	}
	if m.wakes, m.answers, err = h.askEach(ctx); err != nil {
		return m, err
	}
	m.awake, _, err = h.memory(ctx)
	return m, err
}

func siteName(n int) modgw.AppName { return modgw.AppName(fmt.Sprint("site", n)) }

// askEach sends two requests to each site, one site after the other.
func (h *host) askEach(ctx context.Context) (first, second []time.Duration, err error) {
	for n := range h.sites {
		a, err := h.ask(ctx, n)
		if err != nil {
			return nil, nil, err
		}
		b, err := h.ask(ctx, n)
		if err != nil {
			return nil, nil, err
		}
		first, second = append(first, a), append(second, b)
	}
	return first, second, nil
}

// ask sends a request to a site, and returns the time until the answer.
func (h *host) ask(ctx context.Context, n int) (time.Duration, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+h.address+"/", nil)
	if err != nil {
		return 0, err
	}
	r.Host = string(siteName(n)) + ".test"
	begin := time.Now()
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK || !strings.Contains(string(body), "A site") {
		return 0, errors.Join(fmt.Errorf("site %d answered %s: %s", n, response.Status, body), err)
	}
	return time.Since(begin), nil
}

// haveTemplates returns nil when each site has its template, if it is to have one.
func (h *host) haveTemplates(context.Context) error {
	if n := len(h.logged("template ready")) + len(h.logged("template shared")); h.way.template && n < h.sites {
		return fmt.Errorf("%d sites have a template", n)
	}
	return nil
}

// sleep returns nil when all sites sleep.
func (h *host) sleep(ctx context.Context) error {
	testbed.Pause(ctx, time.Second) // frequent requests would keep the machine busy
	status, err := h.client.Status(ctx)
	if err != nil {
		return err
	}
	for _, a := range status.Apps {
		if a.State != modgw.AppAsleep {
			return fmt.Errorf("%s is %s, frozen by %v", a.App, a.State, a.Runner.Sleep)
		}
	}
	return nil
}

// memory returns the average memory of a site's workers and of its template, in MiB.
func (h *host) memory(ctx context.Context) (worker, template float64, err error) {
	status, err := h.client.Status(ctx)
	var workers []int
	for _, a := range status.Apps {
		for _, w := range a.Runner.Workers {
			workers = append(workers, w.PID)
		}
	}
	return total(workers) / float64(h.sites), total(h.logged("template ready")) / float64(h.sites), err
}

// logged returns the process IDs in the log records with a message.
func (h *host) logged(message string) (pids []int) {
	text, err := os.ReadFile(h.running.LogFile)
	if err != nil {
		return nil
	}
	for line := range strings.Lines(string(text)) {
		if _, rest, ok := strings.Cut(line, message); ok {
			var pid int
			_, rest, _ = strings.Cut(rest, "pid=")
			if _, err := fmt.Sscan(rest, &pid); err == nil {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

// total returns the proportional set size of processes in MiB.
func total(pids []int) (mebibytes float64) {
	for _, pid := range pids {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
		if err != nil {
			continue // it has ended
		}
		for line := range strings.Lines(string(text)) {
			if rest, ok := strings.CutPrefix(line, "Pss:"); ok {
				var kib float64
				_, _ = fmt.Sscan(rest, &kib) // 0 if it is not a number
				mebibytes += kib / 1024
			}
		}
	}
	return mebibytes
}
