package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// bench is a folder with the program, a virtual environment with the peers, and a folder for each
// measurement.
type bench struct {
	dir    string
	python string
	host   string
	count  int
}

// result is what was measured of one server with one app.
type result struct {
	app, server string
	times       []time.Duration
}

func (r result) median() time.Duration {
	sorted := slices.Sorted(slices.Values(r.times))
	return sorted[len(sorted)/2]
}

// patience is how long a page may take to show a change.
const patience = 30 * time.Second

// prepare builds modgw-host and installs the peers.
func (b *bench) prepare(ctx context.Context) error {
	// mod_wsgi runs the Python that it was built for: Debian's.
	base := "/usr/bin/python3"
	if _, err := os.Stat(base); err != nil {
		base = "python3"
	}
	for _, command := range [][]string{
		{"go", "build", "-o", b.host, "github.com/modgw/modgw/cmd/modgw-host"},
		{base, "-m", "venv", filepath.Join(b.dir, "venv")},
		{b.python, "-m", "pip", "install", "--quiet", "gunicorn", "uvicorn[standard]", "a2wsgi", "flask", "django"},
	} {
		cmd := exec.CommandContext(ctx, command[0], command[1:]...)
		cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
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
	port, err := freePort()
	if err != nil {
		return result{}, err
	}
	command, err := s.command(dir, a, port)
	if err != nil {
		return result{}, err
	}
	stop, err := start(dir, command)
	if err != nil {
		return result{}, err
	}
	defer stop()
	url := "http://" + address(port) + "/"
	if err := await(ctx, url, 0); err != nil {
		return result{}, fmt.Errorf("%w\n%s", err, tail(filepath.Join(dir, "server.log")))
	}
	r := result{app: a.name, server: s.name}
	for version := 1; version <= rounds+1; version++ {
		// Reloaders that look once a second must not be met always at the same moment.
		pause(ctx, 1500*time.Millisecond+time.Duration(version*137)*time.Millisecond)
		began := time.Now()
		if err := save(dir, version); err != nil {
			return r, err
		}
		if s.after != nil {
			if err := s.after(dir, a); err != nil {
				return r, err
			}
		}
		if err := await(ctx, url, version); err != nil {
			return r, err
		}
		if version > 1 {
			r.times = append(r.times, time.Since(began))
		}
	}
	return r, nil
}

// start runs a command in a process group of its own. stop ends the group.
func start(dir string, command []string) (stop func(), err error) {
	log, err := os.Create(filepath.Join(dir, "server.log"))
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, log, log
	cmd.Env = append(os.Environ(), "PYTHONPATH="+dir, "DJANGO_SETTINGS_MODULE=site_settings")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		log.Close()
		return nil, err
	}
	return func() {
		defer log.Close()
		ended := make(chan struct{})
		// it was told to end: how it does is of no interest
		go func() { _ = cmd.Wait(); close(ended) }()
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(5 * time.Second):
		}
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		<-ended
	}, nil
}

// await asks until the page shows the version.
func await(ctx context.Context, url string, version int) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	want := fmt.Sprintf("version=%d", version)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for {
		if ask(ctx, client, url) == want {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the page did not show %s within %s", want, patience)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// ask returns the page; "" when there is none.
func ask(ctx context.Context, client *http.Client, url string) string {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return ""
	}
	response, err := client.Do(r)
	if err != nil {
		return ""
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(response.Body) // a page that breaks off is not the one that is waited for
	return string(body)
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// tail is the end of a file.
func tail(name string) string {
	text, _ := os.ReadFile(name) // without a log there is nothing to show
	return string(text[max(0, len(text)-2000):])
}
