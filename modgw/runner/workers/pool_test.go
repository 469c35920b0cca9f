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

// fakeProcess is a process that ends when it is killed, and only then.
type fakeProcess struct {
	pid  int
	exit proc.Exit // Exit returns it
	done chan struct{}
	once sync.Once
	note func(string) // gets changes of priority; nil: they are not noted
}

func (p *fakeProcess) PID() int                    { return p.pid }
func (p *fakeProcess) Done() <-chan struct{}       { return p.done }
func (p *fakeProcess) Kill()                       { p.once.Do(func() { close(p.done) }) }
func (p *fakeProcess) Signal(syscall.Signal)       {}
func (p *fakeProcess) SignalLeader(syscall.Signal) {}
func (p *fakeProcess) Yield()                      { p.noteChange("yield") }
func (p *fakeProcess) Resume()                     { p.noteChange("resume") }

func (p *fakeProcess) Exit() proc.Exit {
	<-p.done
	return p.exit
}

func (p *fakeProcess) Ending() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

func (p *fakeProcess) noteChange(what string) {
	if p.note != nil {
		p.note(what)
	}
}

// fakeProgram is the program of a fakeProcess. It records the actions of the pool.
type fakeProgram struct {
	*Worker
	fakeProcess *fakeProcess
	refused     error         // Ready returns it
	late        bool          // Ready waits until its time is over
	obeys       bool          // the process ends when asked to
	drained     chan struct{} // Retire returns it; nil: a closed channel
	other       func(*Worker) Driver
	begun       func() // nil: no action

	mu    sync.Mutex
	notes []string
}

func (d *fakeProgram) note(what string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.notes = append(d.notes, what)
}

func (d *fakeProgram) read() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.notes)
}

func (d *fakeProgram) Launch() (Process, error) { d.note("launch"); return d.fakeProcess, nil }
func (d *fakeProgram) Ready(ctx context.Context) ([]any, error) {
	d.note("ready")
	if d.late {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return nil, d.refused
}
func (d *fakeProgram) Begin() {
	d.note("begin")
	if d.begun != nil {
		d.begun()
	}
}
func (d *fakeProgram) Stop() {
	d.note("stop")
	if d.obeys {
		d.fakeProcess.Kill()
	}
}
func (d *fakeProgram) LastWords()                         { d.note("last words") }
func (d *fakeProgram) End()                               { d.note("end") }
func (d *fakeProgram) Explain(err error) error            { d.note("explain"); return err }
func (d *fakeProgram) Instead(error) func(*Worker) Driver { return d.other }
func (d *fakeProgram) Retire() <-chan struct{} {
	if d.drained != nil {
		return d.drained
	}
	drained := make(chan struct{})
	close(drained)
	return drained
}

func newFakeProgram() *fakeProgram {
	return &fakeProgram{fakeProcess: &fakeProcess{done: make(chan struct{})}}
}

// of makes d the program of a worker.
func (d *fakeProgram) of(w *Worker) Driver {
	d.Worker = w
	return d
}

// poolOf returns a pool whose programs newProgram makes, and a log to read when the pool has
// stopped.
func poolOf(newProgram func(*Worker) Driver) (*Pool, *bytes.Buffer) {
	var log bytes.Buffer
	return New(Config{
		Runner: modgw.RunnerConfig{
			Descriptor: modgw.Descriptor{Timeouts: modgw.Timeouts{Stop: time.Millisecond, Drain: time.Minute}},
			Log:        slog.New(slog.NewTextHandler(&log, nil)),
		},
		NewDriver: newProgram,
	}), &log
}

func TestSlowWorkerMaySayWhyBeforeItIsKilled(t *testing.T) {
	d := newFakeProgram()
	p, log := poolOf(d.of)
	if err := p.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.Stop(t.Context())
	if got := d.read(); !slices.Equal(got, []string{"launch", "ready", "begin", "stop", "last words", "end"}) {
		t.Errorf("%q", got)
	}
	if !strings.Contains(log.String(), "worker killed") {
		t.Error(log)
	}
}

func TestAnotherWorkerStartsInsteadOfOneThatCannot(t *testing.T) {
	first, second := newFakeProgram(), newFakeProgram()
	first.refused, first.other = errors.New("not this way"), second.of
	p, log := poolOf(first.of)
	if err := p.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.Stop(t.Context())
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
	d := newFakeProgram()
	d.fakeProcess.note = d.note
	p, _ := poolOf(d.of)
	p.config.Runner.Replaces = true
	if err := p.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.Stop(t.Context())
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
			p, _ := poolOf(func(w *Worker) Driver {
				note(w, "made")
				d := newFakeProgram()
				d.begun = func() { note(w, "begun"); begun <- struct{}{} }
				return &obedient{d.of(w).(*fakeProgram)}
			})
			p.size, p.config.Runner.Descriptor.Timeouts.Stop = 3, time.Minute
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
	first, second := newFakeProgram(), newFakeProgram()
	ready := make(chan struct{})
	first.begun = func() { close(ready) }
	second.refused = errors.New("not at all")
	p, log := poolOf(func(w *Worker) Driver {
		if w.Number == 1 {
			return &obedient{first.of(w).(*fakeProgram)}
		}
		return &patient{second.of(w).(*fakeProgram), ready}
	})
	p.size, p.config.Runner.Descriptor.Timeouts.Stop = 2, time.Minute
	if err := p.Start(t.Context()); err == nil {
		t.Fatal("it started")
	}
	if got := first.read(); !slices.Equal(got, []string{"launch", "ready", "begin", "stop", "end"}) {
		t.Errorf("%q", got)
	}
	if strings.Contains(log.String(), "worker killed") {
		t.Error(log)
	}
}

// obedient is a fakeProgram whose process ends a little after a request to stop.
type obedient struct{ *fakeProgram }

func (o *obedient) Stop() {
	o.note("stop")
	time.AfterFunc(20*time.Millisecond, o.fakeProcess.Kill)
}

// patient is a fakeProgram that is only asked when another worker is ready.
type patient struct {
	*fakeProgram
	other chan struct{}
}

func (p *patient) Ready(ctx context.Context) ([]any, error) {
	<-p.other
	return p.fakeProgram.Ready(ctx)
}

func TestWorkerThatEndsAsItBecomesReadyIsNotStarted(t *testing.T) {
	d := newFakeProgram()
	p, log := poolOf(d.of)
	d.fakeProcess.Kill()
	w := p.newWorker(1, d.of)
	if err := p.launch(w); err != nil {
		t.Fatal(err)
	}
	p.running.Wait() // until it is cleaned up
	if w.becameReady() {
		t.Error("it is ready")
	}
	if strings.Contains(log.String(), "level=ERROR") {
		t.Error(log)
	}
}

func TestAttachedWorkerThatLeavesIsNotReplaced(t *testing.T) {
	d := newFakeProgram()
	p, log := poolOf(nil)
	d.begun = d.fakeProcess.Kill
	p.RunAttached(1, d.of)
	p.Stop(t.Context())
	if !strings.Contains(log.String(), "worker detached") || strings.Contains(log.String(), "level=ERROR") {
		t.Error(log)
	}
}

func TestWorkerThatHasEndedIsNotRetired(t *testing.T) {
	d := newFakeProgram()
	p, log := poolOf(d.of)
	w, err := p.startWorker(t.Context(), 1, false)
	if err != nil {
		t.Fatal(err)
	}
	w.Damage(errors.New("it broke a rule"))
	p.running.Wait()
	p.retire(w, "it is old")
	if got := log.String(); strings.Contains(got, "retired") || !strings.Contains(got, `reason="it broke a rule"`) {
		t.Error(got)
	}
}
