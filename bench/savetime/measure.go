package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/modgw/modgw/bench/testbed"
)

// bench is a folder with the program, a virtual environment with the peers, and a folder for each
// measurement.
type bench struct {
	dir    string
	python string
	host   string
	count  int
}

// result holds the measurements of one server with one app.
type result struct {
	app, server string
	times       []time.Duration
}

func (r result) median() time.Duration {
	sorted := slices.Sorted(slices.Values(r.times))
	return sorted[len(sorted)/2]
}

// patience limits the wait for a page to show a change.
const patience = 30 * time.Second

// prepare builds modgw-host and installs the peers.
func (b *bench) prepare(ctx context.Context, log io.Writer) (err error) {
	if b.host, err = testbed.BuildHost(ctx, b.dir); err != nil {
		return err
	}
	// mod_wsgi runs the Python that it was built for: Debian's.
	base := "/usr/bin/python3"
	if _, err := os.Stat(base); err != nil {
		base = "python3"
	}
	for _, command := range [][]string{
		{base, "-m", "venv", filepath.Join(b.dir, "venv")},
		{b.python, "-m", "pip", "install", "--quiet", "gunicorn", "uvicorn[standard]", "a2wsgi", "flask", "django"},
	} {
		cmd := exec.CommandContext(ctx, command[0], command[1:]...)
		cmd.Stdout, cmd.Stderr = log, log
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("cannot run %s: %w", strings.Join(command, " "), err)
		}
	}
	return nil
}

// measure starts a server with an app, saves changes and waits for each to be answered.
func (b *bench) measure(ctx context.Context, s server, a app, rounds int) (result, error) {
	b.count++
	dir := filepath.Join(b.dir, fmt.Sprintf("%d-%s", b.count, a.name))
	if err := a.write(dir); err != nil {
		return result{}, err
	}
	address, err := testbed.FreeAddress()
	if err != nil {
		return result{}, err
	}
	command, err := s.command(dir, a, address)
	if err != nil {
		return result{}, err
	}
	running, err := testbed.Start(dir, []string{"PYTHONPATH=" + dir, "DJANGO_SETTINGS_MODULE=site_settings"}, command...)
	if err != nil {
		return result{}, err
	}
	defer running.Stop()
	shown := func(version int) error {
		want := fmt.Sprintf("version=%d", version)
		return running.Await(ctx, patience, func(ctx context.Context) error {
			if ask(ctx, "http://"+address+"/") != want {
				return fmt.Errorf("the page did not show %s within %s", want, patience)
			}
			return nil
		})
	}
	if err := shown(0); err != nil {
		return result{}, fmt.Errorf("%w\n%s", err, running.Log())
	}
	r := result{app: a.name, server: s.name}
	for version := 1; version <= rounds+1; version++ {
		// Vary the time of the save relative to reloaders that poll once a second.
		testbed.Pause(ctx, 1500*time.Millisecond+time.Duration(version*137)*time.Millisecond)
		began := time.Now()
		if err := save(dir, version); err != nil {
			return r, err
		}
		if s.after != nil {
			if err := s.after(dir, a); err != nil {
				return r, err
			}
		}
		if err := shown(version); err != nil {
			return r, err
		}
		if version > 1 {
			r.times = append(r.times, time.Since(began))
		}
	}
	return r, nil
}

// client never reuses a connection: a server that has ended would have closed it.
var client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

// ask returns the page, or "" if there is none.
func ask(ctx context.Context, url string) string {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return ""
	}
	response, err := client.Do(r)
	if err != nil {
		return ""
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(response.Body) // an incomplete page differs from the expected one
	return string(body)
}
