package workers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/modgw/modgw/internal/proc"
	"github.com/modgw/modgw/modgw"
)

// puppet is a process that ends when it is told to by force, and only then.
type puppet struct {
	done chan struct{}
	once sync.Once
	note func(string) // is told of priorities; nil: nobody is
}

func (p *puppet) PID() int                    { return 0 }
func (p *puppet) Done() <-chan struct{}       { return p.done }
func (p *puppet) Exit() proc.Exit             { return proc.Exit{} }
func (p *puppet) Ending() bool                { return false }
func (p *puppet) Kill()                       { p.once.Do(func() { close(p.done) }) }
func (p *puppet) Signal(syscall.Signal)       {}
func (p *puppet) SignalLeader(syscall.Signal) {}
func (p *puppet) Yield()                      { p.tell("yield") }
func (p *puppet) Resume()                     { p.tell("resume") }

func (p *puppet) tell(what string) {
	if p.note != nil {
		p.note(what)
	}
}

// diary is the program of a puppet. It notes what the pool does with it.
type diary struct {
	*Worker
	puppet  *puppet
	refused error // what Ready returns
	other   func(*Worker) Program
	begun   func() // nil: nothing is done then

	mu    sync.Mutex
	notes []string
}

func (d *diary) note(what string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.notes = append(d.notes, what)
}

func (d *diary) read() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.notes)
}

func (d *diary) Launch() (Process, error)             { d.note("launch"); return d.puppet, nil }
func (d *diary) Ready(context.Context) ([]any, error) { d.note("ready"); return nil, d.refused }
func (d *diary) Begin() {
	d.note("begin")
	if d.begun != nil {
		d.begun()
	}
}
func (d *diary) Stop()                               { d.note("stop") }
func (d *diary) LastWords()                          { d.note("last words") }
func (d *diary) End()                                { d.note("end") }
func (d *diary) Explain(err error) error             { d.note("explain"); return err }
func (d *diary) Instead(error) func(*Worker) Program { return d.other }
func (d *diary) Retire() <-chan struct{} {
	drained := make(chan struct{})
	close(drained)
	return drained
}

func newDiary() *diary { return &diary{puppet: &puppet{done: make(chan struct{})}} }

// of makes d the program of a worker.
func (d *diary) of(w *Worker) Program {
	d.Worker = w
	return d
}

// poolOf has workers whose programs newProgram makes, and a log to read when it has stopped.
func poolOf(newProgram func(*Worker) Program) (*Pool, *bytes.Buffer) {
	var log bytes.Buffer
	return New(Config{
		Runner: modgw.RunnerConfig{
			Descriptor: modgw.Descriptor{Timeouts: modgw.Timeouts{Stop: time.Millisecond, Drain: time.Minute}},
			Log:        slog.New(slog.NewTextHandler(&log, nil)),
		},
		NewProgram: newProgram,
	}), &log
}

func TestSlowWorkerMaySayWhyBeforeItIsKilled(t *testing.T) {
	d := newDiary()
	c, log := poolOf(d.of)
	if err := c.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.Stop(t.Context())
	if got := d.read(); !slices.Equal(got, []string{"launch", "ready", "begin", "stop", "last words", "end"}) {
		t.Errorf("%q", got)
	}
	if !strings.Contains(log.String(), "worker killed") {
		t.Error(log)
	}
}

func TestAnotherWorkerStartsInsteadOfOneThatCannot(t *testing.T) {
	first, second := newDiary(), newDiary()
	first.refused, first.other = errors.New("not this way"), second.of
	c, log := poolOf(first.of)
	if err := c.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.Stop(t.Context())
	if got := first.read(); !slices.Equal(got, []string{"launch", "ready", "explain", "end"}) {
		t.Errorf("%q", got)
	}
	if got := second.read(); !slices.Contains(got, "begin") {
		t.Errorf("%q", got)
	}
	if strings.Contains(log.String(), "level=ERROR") {
		t.Error(log)
	}
}

func TestWorkerThatStartsBesideOthersYieldsToThemUntilItIsReady(t *testing.T) {
	d := newDiary()
	d.puppet.note = d.note
	c, _ := poolOf(d.of)
	c.config.Runner.Replaces = true
	if err := c.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.Stop(t.Context())
	if got := d.read()[:5]; !slices.Equal(got, []string{"launch", "yield", "ready", "resume", "begin"}) {
		t.Errorf("%q", got)
	}
}

func TestFirstWorkerIsReadyBeforeTheOthersBegin(t *testing.T) {
	for name, start := range map[string]func(*Pool) error{
		"all at once":      func(p *Pool) error { return p.Start(t.Context()) },
		"expanded at last": func(p *Pool) error { p.config.Runner.Few = true; err := p.Start(t.Context()); p.Expand(); return err },
	} {
		t.Run(name, func(t *testing.T) {
			var mu sync.Mutex
			var events []string
			note := func(w *Worker, what string) {
				mu.Lock()
				defer mu.Unlock()
				events = append(events, fmt.Sprint(what, " ", w.Number))
			}
			begun := make(chan struct{}, 3)
			p, _ := poolOf(func(w *Worker) Program {
				note(w, "made")
				d := newDiary()
				d.begun = func() { note(w, "begun"); begun <- struct{}{} }
				return &obedient{d.of(w).(*diary)}
			})
			p.config.Count, p.config.Runner.Descriptor.Timeouts.Stop = 3, time.Minute
			if err := start(p); err != nil {
				t.Fatal(err)
			}
			for range 3 {
				<-begun
			}
			p.Stop(t.Context())
			if !slices.Equal(events[:2], []string{"made 1", "begun 1"}) {
				t.Errorf("%q", events)
			}
		})
	}
}

func TestReadyWorkersOfAStartThatFailsEndInOrder(t *testing.T) {
	first, second := newDiary(), newDiary()
	ready := make(chan struct{})
	first.begun = func() { close(ready) }
	second.refused = errors.New("not at all")
	c, log := poolOf(func(w *Worker) Program {
		if w.Number == 1 {
			return &obedient{first.of(w).(*diary)}
		}
		return &patient{second.of(w).(*diary), ready}
	})
	c.config.Count, c.config.Runner.Descriptor.Timeouts.Stop = 2, time.Minute
	if err := c.Start(t.Context()); err == nil {
		t.Fatal("it started")
	}
	if got := first.read(); !slices.Equal(got, []string{"launch", "ready", "begin", "stop", "end"}) {
		t.Errorf("%q", got)
	}
	if strings.Contains(log.String(), "worker killed") {
		t.Error(log)
	}
}

// obedient is a diary whose process ends a little after it was told to.
type obedient struct{ *diary }

func (o *obedient) Stop() {
	o.note("stop")
	time.AfterFunc(20*time.Millisecond, o.puppet.Kill)
}

// patient is a diary that is asked only when another worker is ready.
type patient struct {
	*diary
	other chan struct{}
}

func (p *patient) Ready(ctx context.Context) ([]any, error) {
	<-p.other
	return p.diary.Ready(ctx)
}

func TestWorkerThatEndsAsItBecomesReadyIsNotStarted(t *testing.T) {
	d := newDiary()
	c, log := poolOf(d.of)
	d.puppet.Kill()
	w := c.newWorker(1, d.of)
	if err := c.launch(w); err != nil {
		t.Fatal(err)
	}
	c.running.Wait() // until it is buried
	if w.becameReady() {
		t.Error("it is ready")
	}
	if strings.Contains(log.String(), "level=ERROR") {
		t.Error(log)
	}
}

func TestGuestThatLeavesIsNotReplaced(t *testing.T) {
	d := newDiary()
	c, log := poolOf(nil)
	d.begun = d.puppet.Kill
	c.Host(1, d.of)
	c.Stop(t.Context())
	if !strings.Contains(log.String(), "worker detached") || strings.Contains(log.String(), "level=ERROR") {
		t.Error(log)
	}
}

func TestWorkerThatHasEndedIsNotRetired(t *testing.T) {
	d := newDiary()
	c, log := poolOf(d.of)
	w, err := c.startWorker(t.Context(), 1, false)
	if err != nil {
		t.Fatal(err)
	}
	w.Damage(errors.New("it broke a rule"))
	c.running.Wait()
	c.retire(w, "it is old")
	if got := log.String(); strings.Contains(got, "retired") || !strings.Contains(got, `reason="it broke a rule"`) {
		t.Error(got)
	}
}
