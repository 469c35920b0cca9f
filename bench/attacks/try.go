package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/modgw/modgw/bench/load"
)

// try tries an attack and returns the outcome.
func (s *scene) try(ctx context.Context, a *attack) *verdict {
	v := &verdict{attack: a, Name: a.name, From: a.from, By: a.by}
	said := marks{len(s.log()), len(s.audit())}
	neighbour := s.facts["pid"]
	var answer string
	var err error
	if a.costs && s.window > 0 {
		answer, err = s.tryUnderLoad(ctx, v)
	} else {
		answer, err = s.do(ctx, a)
	}
	if err != nil {
		v.Failed = err.Error()
		return v
	}
	v.Answer = firstLine(answer)
	v.Denied = matches(a.denied, answer) && !strings.Contains(answer, s.secret)
	v.Line, v.Named = s.named(ctx, a, said)
	if err := s.harm(ctx, neighbour); err != nil && v.Harm == "" {
		v.Harm = err.Error()
	}
	v.Unhurt = v.Harm == ""
	return v
}

// do performs an attack and returns the answer of the hostile app. The status comes before the
// answer unless it is that of a successful attack.
func (s *scene) do(ctx context.Context, a *attack) (string, error) {
	if a.run != nil {
		return a.run(ctx, s)
	}
	status, head, body, err := s.exchange(ctx, "attacker.test", s.fill(a.path))
	if err != nil {
		// A response that is cut off is an answer, too.
		return "cut off: " + err.Error(), ctx.Err()
	}
	if cookie := head.Get("Set-Cookie"); cookie != "" {
		return "done: a cookie was set: " + cookie, nil
	}
	if status != http.StatusOK {
		return fmt.Sprintf("%d %s", status, body), nil
	}
	return body, nil
}

// marks holds the lengths of the logs at one moment.
type marks struct{ log, audit int }

// named waits for a line, logged since the attack began, that names the attack.
func (s *scene) named(ctx context.Context, a *attack, said marks) (line string, is bool) {
	if a.says == "" {
		return "", false
	}
	pattern := regexp.MustCompile(s.fill(a.says))
	for until := time.Now().Add(logTime); ; {
		for line := range strings.Lines(s.log()[said.log:] + s.audit()[said.audit:]) {
			if pattern.MatchString(line) {
				return strings.TrimSpace(line), true
			}
		}
		if time.Now().After(until) || ctx.Err() != nil {
			return "", false
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// harm returns an error if the host, the neighbour's process or the neighbour's files have changed.
func (s *scene) harm(ctx context.Context, pid string) error {
	if syscall.Kill(s.host.PID, 0) != nil {
		return errors.New("the host has ended")
	}
	if err := s.learn(ctx); err != nil {
		return err
	}
	if s.facts["pid"] != pid {
		return errors.New("the neighbour's process was replaced")
	}
	for _, name := range []string{"apps/neighbour/secret.txt", "apps/neighbour/open.txt", "host-secret"} {
		if text, err := os.ReadFile(s.path(name)); err != nil || string(text) != s.secret+"\n" {
			return fmt.Errorf("%s was changed", name)
		}
	}
	return nil
}

// tryUnderLoad tries an attack while the neighbour gets requests at the same rate as before.
func (s *scene) tryUnderLoad(ctx context.Context, v *verdict) (answer string, err error) {
	job := load.Job{
		Address: s.address, Protocol: load.HTTP, Path: "/", Length: int64(len("hello")),
		Connections: 16, Rate: s.rate, Warmup: s.window / 8, Duration: s.window,
	}
	before, err := load.Run(ctx, job, load.Watch{})
	if err != nil {
		return "", err
	}
	ended := make(chan struct{})
	var failed error
	during, err := load.Run(ctx, job, load.Watch{Begun: func() {
		go func() {
			defer close(ended)
			answer, failed = s.do(ctx, v.attack)
		}()
	}})
	if err != nil {
		return "", err
	}
	<-ended
	v.Before, v.During = before.Latency.Quantile(0.99), during.Latency.Quantile(0.99)
	if n := during.Failed(); n > 0 {
		v.Harm = fmt.Sprintf("%d of %d requests to the neighbour failed: %v", n, n+during.Answered, during.Errors)
	}
	return answer, failed
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return line[:min(len(line), 200)]
}
