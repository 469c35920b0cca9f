package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/modgw/modgw/bench/testbed"
)

const (
	// patience limits the wait for a diagnosis, on a machine that is busy with other work.
	patience = 45 * time.Second

	// readyTime limits the start of an app.
	readyTime = 60 * time.Second
)

// scene is a folder with a running host.
type scene struct {
	dir     string
	program string        // modgw-host
	look    time.Duration // minimum time for which it is observed
	address string        // address of the listener
	silent  int           // port of a server that accepts connections and never answers
	env     []string      // further variables of the host
	before  []string      // command that starts the host, which follows it; nil: none
	trace   io.Writer     // receives the final status and log of the host; nil: unused

	last    []byte           // the latest status as it was printed
	running *testbed.Program // the host; nil: it was not started
	playing context.Context  // ends with the scene
	clients sync.WaitGroup
	cleanUp []func()
}

// play stages an incident and returns its diagnosis.
func (s *scene) play(ctx context.Context, i *incident) *verdict {
	v := &verdict{incident: i}
	if i.missing != nil {
		if v.missing = i.missing(s); v.missing != "" {
			return v
		}
	}
	playing, end := context.WithCancel(ctx)
	s.playing = playing
	defer s.end(end)
	v.failed = s.begin(playing, i)
	if v.failed == nil && i.stage != nil {
		v.failed = i.stage(playing, s)
	}
	if v.failed != nil {
		v.failed = fmt.Errorf("%w\n%s", v.failed, s.running.Log())
		return v
	}
	for until, last := time.Now().Add(max(i.look, s.look)), time.Now().Add(patience); ; testbed.Pause(playing, time.Second) {
		status, err := s.status()
		if v.failed = err; err != nil {
			return v
		}
		v.cause, v.sentence = status.first()
		if now := time.Now(); now.After(until) && (v.cause != "" || now.After(last)) {
			break
		}
	}
	if s.trace != nil {
		fmt.Fprintf(s.trace, "%s\n%s\n", s.last, s.running.Log())
	}
	return v
}

// begin writes the files and starts the host. It returns when the host answers, and the app is
// ready or has failed.
func (s *scene) begin(ctx context.Context, i *incident) error {
	if err := os.MkdirAll(filepath.Join(s.dir, "app"), 0o755); err != nil {
		return err
	}
	var err error
	if s.address, err = testbed.FreeAddress(); err != nil {
		return err
	}
	host := fmt.Sprintf("apps = [\"app/*.hcl\"]\nstate = \"state\"\nlisten \"http\" { address = %q }\n"+
		"control { address = \"unix:%s\" }\n%s", s.address, s.path("control.sock"), s.fill(i.host))
	if err := os.WriteFile(s.path("host.hcl"), []byte(host), 0o644); err != nil {
		return err
	}
	if err := s.listenSilently(); err != nil {
		return err
	}
	for name, text := range i.files {
		if err := s.write(name, text); err != nil {
			return err
		}
	}
	if i.app != "" {
		if err := s.write("shop.hcl", "app \"shop\" {\n"+i.app+"\n}\n"); err != nil {
			return err
		}
	}
	if i.prepare != nil {
		if err := i.prepare(ctx, s); err != nil {
			return err
		}
	}
	if s.running, err = testbed.Start(s.dir, s.env, append(s.before, s.program, "serve", "-c", s.path("host.hcl"))...); err != nil {
		return err
	}
	return s.await(readyTime, "the app is ready, or has failed", func(h *hostStatus) bool {
		return i.app == "" || len(h.Apps) == 1 && h.Apps[0].State != "starting" || len(h.Broken) > 0
	})
}

// fill replaces the {{names}} whose values only the scene knows.
func (s *scene) fill(text string) string {
	return strings.NewReplacer("{{dir}}", s.dir, "{{silent}}", fmt.Sprint(s.silent)).Replace(text)
}

// path returns the path of a file of the scene.
func (s *scene) path(name string) string { return filepath.Join(s.dir, name) }

// write writes a file of the app.
func (s *scene) write(name, text string) error {
	path := s.path(filepath.Join("app", name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	mode := os.FileMode(0o644)
	if strings.HasPrefix(text, "#!") {
		mode = 0o755
	}
	return os.WriteFile(path, []byte(s.fill(text)), mode)
}

// end ends the clients and the host, and removes the folder.
func (s *scene) end(cancel func()) {
	cancel()
	s.clients.Wait()
	s.running.Stop()
	for _, f := range s.cleanUp {
		f()
	}
	_ = os.RemoveAll(s.dir)
}

// await waits until the status fulfils a condition.
func (s *scene) await(patience time.Duration, what string, is func(*hostStatus) bool) error {
	return s.running.Await(s.playing, patience, func(ctx context.Context) error {
		status, err := s.status()
		if err == nil && is(status) {
			return nil
		}
		testbed.Pause(ctx, 50*time.Millisecond) // each try is a process
		return cmp.Or(err, fmt.Errorf("it is not so that %s", what))
	})
}

// hostStatus holds the fields of modgw-host status --json that matter here.
type hostStatus struct {
	PID       int
	Diagnosis *diagnosis
	Apps      []struct {
		State      string
		Generation *struct{ Number int }
		Diagnosis  *diagnosis
		Failure    *struct{ Error string }
		Runner     struct {
			Busy, Queued int
			Workers      []struct {
				PID    int
				State  string
				Number int
			}
		}
	}
	Broken []struct{ Diagnosis *diagnosis }
}

type diagnosis struct{ Cause, Sentence string }

// first returns the first diagnosis.
func (h *hostStatus) first() (cause, sentence string) {
	if h.Diagnosis != nil {
		return h.Diagnosis.Cause, h.Diagnosis.Sentence
	}
	for _, a := range h.Apps {
		if a.Diagnosis != nil {
			return a.Diagnosis.Cause, a.Diagnosis.Sentence
		}
	}
	for _, f := range h.Broken {
		if f.Diagnosis != nil {
			return f.Diagnosis.Cause, f.Diagnosis.Sentence
		}
	}
	return "", "nothing was said"
}

func (s *scene) status() (*hostStatus, error) {
	var out, failed bytes.Buffer
	cmd := exec.CommandContext(s.playing, s.program, "status", "--json", "--control", "unix:"+s.path("control.sock"))
	cmd.Stdout, cmd.Stderr = &out, &failed
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("cannot ask for the status: %w: %s", err, failed.String())
	}
	s.last = out.Bytes()
	h := new(hostStatus)
	return h, json.Unmarshal(out.Bytes(), h)
}

// listenSilently opens a port that accepts connections and never answers, until the scene ends.
func (s *scene) listenSilently() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s.silent = l.Addr().(*net.TCPAddr).Port
	s.cleanUp = append(s.cleanUp, func() { l.Close() }) // the kernel accepts for it
	return nil
}
