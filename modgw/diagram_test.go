package modgw

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// trace has the states that something was seen in, in their order.
type trace struct {
	mu     sync.Mutex
	states []string
}

func (s *trace) see(state string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.states); n == 0 || s.states[n-1] != state {
		s.states = append(s.states, state)
	}
}

// addTo adds the transitions to a set.
func (s *trace) addTo(set map[string]bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := 1; i < len(s.states); i++ {
		set[s.states[i-1]+" --> "+s.states[i]] = true
	}
}

var transitionPattern = regexp.MustCompile(`(?m)^  (\w+) --> (\w+)`)

// wantDiagram compares the observed transitions with the transitions of a diagram in
// docs/internals.md.
func wantDiagram(t *testing.T, heading string, seen map[string]bool) {
	t.Helper()
	page, err := os.ReadFile("../docs/internals.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(page), "\n## "+heading+"\n")
	section, _, _ = strings.Cut(section, "\n## ")
	drawn := map[string]bool{}
	for _, line := range transitionPattern.FindAllStringSubmatch(section, -1) {
		drawn[line[1]+" --> "+line[2]] = true
	}
	if got, want := slices.Sorted(maps.Keys(drawn)), slices.Sorted(maps.Keys(seen)); !slices.Equal(got, want) {
		t.Errorf("the page has %q\nseen were %q", got, want)
	}
}

// deployStory describes a deploy of an app and its failures; the zero value succeeds.
type deployStory struct {
	build, start error
	health       int   // status of the answer to the health path
	taken        bool  // another app has the place and keeps it
	neighbour    error // why the app that had the place cannot leave it; nil: it leaves
}

// play returns the states that the deploy was seen in.
func (c deployStory) play(t *testing.T) *trace {
	seen := &trace{}
	waits := make(chan struct{})
	s := &stage{
		startErr: func(d Descriptor) error {
			switch {
			case d.Name == "blog":
				seen.see("Starting")
				return c.start
			case d.Mount == "/old":
				<-waits
				return c.neighbour
			}
			return nil
		},
		serve: func(w http.ResponseWriter, _ *http.Request) {
			seen.see("Checking")
			w.WriteHeader(c.health)
		},
	}
	g := testGateway(t, s, func(config *Config) {
		config.Build = func(_ context.Context, d Descriptor) (*Environment, error) {
			if d.Name != "blog" {
				return &Environment{}, nil
			}
			seen.see("Building")
			return &Environment{}, c.build
		}
	})
	deploy(t, g, at("old", "/", "1"))
	ended := make(chan struct{})
	if c.taken {
		close(ended)
	} else {
		moved := at("old", "/old", "2")
		if err := g.Expect(moved); err != nil {
			t.Fatal(err)
		}
		go func() {
			defer close(ended)
			if err := g.Deploy(t.Context(), moved, "test"); !errors.Is(err, c.neighbour) {
				t.Errorf("the neighbour's deploy: %v", err)
			}
		}()
	}
	d := at("blog", "/", "1")
	d.Health = Health{Path: "/healthz", Timeout: time.Second}
	seen.see("Queued")
	done := make(chan error, 1)
	go func() { done <- g.Deploy(t.Context(), d, "test") }()
	var err error
	isDone := func() bool {
		select {
		case err = <-done:
			return true
		default:
			return false
		}
	}
	hasEnded := false
	waitFor(t, func() bool { hasEnded = isDone(); return hasEnded || isWaiting(g, "blog") })
	if !hasEnded {
		seen.see("Waiting")
	}
	close(waits)
	if !hasEnded {
		err = <-done
	}
	<-ended
	seen.see(map[bool]string{true: "Swapped", false: "Refused"}[err == nil])
	return seen
}

// isWaiting reports whether a generation of an app waits for its hosts and mount.
func isWaiting(g *Gateway, name AppName) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for app := range g.takeovers {
		if app.name == name {
			return true
		}
	}
	return false
}

func TestDiagramOfADeployIsWhatDeploysDo(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	broken := errors.New("broken")
	for _, story := range []deployStory{
		{health: http.StatusOK},
		{taken: true},
		{build: broken},
		{start: broken},
		{health: http.StatusInternalServerError},
		{health: http.StatusOK, neighbour: broken},
	} {
		story.play(t).addTo(seen)
	}
	wantDiagram(t, "The life of a deploy", seen)
}

// lastingRunner is a runner whose workers end when they may.
type lastingRunner struct {
	*sleepyRunner
	stopping atomic.Bool
	mayEnd   chan struct{}
}

func (r *lastingRunner) Stop(ctx context.Context) {
	r.stopping.Store(true)
	<-r.mayEnd
	r.sleepyRunner.Stop(ctx)
}

// stateOf returns the state of a generation in the words of the diagram.
func stateOf(a *App, g *Generation, r *lastingRunner) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	_, drains := a.draining[g]
	ended := false
	select {
	case <-g.ended:
		ended = true
	default:
	}
	switch {
	case ended:
		return "Ended"
	case r.stopping.Load():
		return "Stopping"
	case drains:
		return "Draining"
	case g.users.Load() >= asleep:
		return "Asleep"
	case a.current.Load() == g:
		return "Serving"
	}
	return "Preparing"
}

func TestDiagramOfAGenerationIsWhatGenerationsDo(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	first, refused := &trace{}, &trace{}
	var runner *lastingRunner // of the first generation
	b := &bed{}
	mayEnd, asked, mayAnswer := make(chan struct{}), make(chan struct{}), make(chan struct{})
	b.startErr = func(d Descriptor) error {
		switch d.Env["GREETING"] {
		case "first":
			first.see("Preparing")
		case "refused":
			refused.see("Preparing")
			return errors.New("broken")
		}
		return nil
	}
	b.serve = func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/hold" {
			close(asked)
			<-mayAnswer
		}
	}
	g := testGateway(t, &b.stage, func(c *Config) {
		c.Runners[KindWSGI] = func(config RunnerConfig) (Runner, error) {
			r, err := b.newRunner(config)
			lasting := &lastingRunner{sleepyRunner: r.(*sleepyRunner), mayEnd: mayEnd}
			if config.Descriptor.Env["GREETING"] == "first" {
				runner = lasting
			}
			return lasting, err
		}
	})
	d := descriptor("first")
	d.Idle.SleepAfter = time.Millisecond
	deploy(t, g, d)
	app, err := g.app("blog")
	if err != nil {
		t.Fatal(err)
	}
	generation := app.current.Load()
	first.see("Serving")
	reaches := func(state string) {
		t.Helper()
		waitFor(t, func() bool { return stateOf(app, generation, runner) == state })
		first.see(state)
	}
	reaches("Asleep")
	var asking sync.WaitGroup
	asking.Go(func() { get(g, "/hold") })
	<-asked
	reaches("Serving")
	deploy(t, g, descriptor("second"))
	reaches("Draining")
	close(mayAnswer)
	reaches("Stopping")
	close(mayEnd)
	reaches("Ended")
	asking.Wait()
	if err := g.Deploy(t.Context(), descriptor("refused"), "test"); err == nil || app.current.Load().Number != 2 {
		t.Errorf("a broken generation serves: %v", err)
	}
	refused.see("Ended")
	first.addTo(seen)
	refused.addTo(seen)
	wantDiagram(t, "The life of a generation", seen)
}
