package relay

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"github.com/modgw/modgw/internal/proc"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/runner/workers"
)

// endedProcess is a process that has ended in some way before anyone looked.
type endedProcess struct{ exit proc.Exit }

var closed = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

func (p endedProcess) PID() int                    { return 1 }
func (p endedProcess) Done() <-chan struct{}       { return closed }
func (p endedProcess) Exit() proc.Exit             { return p.exit }
func (p endedProcess) Ending() bool                { return true }
func (p endedProcess) Kill()                       {}
func (p endedProcess) Signal(syscall.Signal)       {}
func (p endedProcess) SignalLeader(syscall.Signal) {}
func (p endedProcess) Yield()                      {}
func (p endedProcess) Resume()                     {}

// endedProgram is a program whose process has ended. Its worker is the test's.
type endedProgram struct {
	*workers.Worker
	process endedProcess
}

func (p *endedProgram) Launch() (workers.Process, error)     { return p.process, nil }
func (p *endedProgram) Ready(context.Context) ([]any, error) { return nil, io.EOF }
func (p *endedProgram) Begin()                               {}
func (p *endedProgram) Retire() <-chan struct{}              { return closed }
func (p *endedProgram) End()                                 {}
func (p *endedProgram) Explain(err error) error              { return err }

// endedWorker returns a worker whose process has ended in the given way.
func endedWorker(t *testing.T, exit proc.Exit, log io.Writer) *workers.Worker {
	t.Helper()
	var worker *workers.Worker
	pool := workers.New(workers.Config{
		Runner: modgw.RunnerConfig{Log: slog.New(slog.NewTextHandler(log, nil))},
		NewDriver: func(w *workers.Worker) workers.Driver {
			worker = w
			return &endedProgram{w, endedProcess{exit}}
		},
	})
	if err := pool.Start(t.Context()); err == nil {
		t.Fatal("a process that has ended was ready")
	}
	return worker
}

func TestRequestThatCrashedItsWorkerIsGivenToNoOther(t *testing.T) {
	for exit, again := range map[proc.Exit]bool{
		{Signal: syscall.SIGSEGV}: false,
		{Signal: syscall.SIGKILL}: true,
		{Code: 1}:                 true,
	} {
		var log bytes.Buffer
		worker := endedWorker(t, exit, &log)
		r, w := asked("GET", 0, &log)
		r.Tried(worker)
		if got := r.Again(WorkerLost, io.EOF); got != again {
			t.Errorf("%s: given to another worker: %v", exit, got)
		}
		if named := strings.Contains(log.String(), `"worker crashed with a request"`); named == again {
			t.Errorf("%s: the log: %s", exit, log.String())
		}
		if r.Conclude(io.EOF); w.Code != http.StatusBadGateway {
			t.Errorf("%s: answered %d", exit, w.Code)
		}
		if !strings.Contains(log.String(), "the worker ended: "+exit.String()) {
			t.Errorf("the log says nothing of %q: %s", exit, log.String())
		}
	}
}
