package fastcgi

import (
	"context"
	"sync"
	"time"

	"github.com/modgw/modgw/internal/proc"
	"github.com/modgw/modgw/internal/safepath"
	"github.com/modgw/modgw/modgw/runner/queue"
	"github.com/modgw/modgw/modgw/runner/workers"
)

// worker is one process of the app's program, which receives requests on its own socket.
type worker struct {
	*workers.Worker
	runner  *Runner
	socket  *socket
	program *program

	mu      sync.Mutex
	member  *queue.Member // nil until it is ready
	retired bool          // it gets no more requests; a process can end at any time
}

func (r *Runner) newWorker(w *workers.Worker) workers.Driver { return &worker{Worker: w, runner: r} }

// Launch implements [workers.Driver].
func (w *worker) Launch() (workers.Process, error) {
	c := w.runner.config
	env := workers.Environ(c, w.runner.user)
	command := c.Descriptor.FastCGI.Command
	path, err := safepath.Opener{User: w.runner.user}.FindProgram(command[0], c.Descriptor.Root, env)
	if err != nil {
		return nil, err
	}
	if w.socket, err = listen(); err != nil {
		return nil, err
	}
	w.program = w.runner.add(newProgram(w.socket.connect))
	p, err := w.Run(proc.Spec{Path: path, Args: append(phpOptions(*c.Descriptor.FastCGI), command[1:]...), Env: env, Stdin: w.socket.file, Leash: true})
	if err != nil {
		w.End()
	}
	return p, err
}

// Ready implements [workers.Driver].
func (w *worker) Ready(ctx context.Context) ([]any, error) {
	w.socket.handedOver()
	said, err := ask(ctx, w.socket.connect)
	if err == nil && said.closed {
		err = w.stays(ctx)
	}
	if err != nil {
		return nil, err
	}
	w.program.values = said.Values
	w.mu.Lock()
	defer w.mu.Unlock()
	w.member = &queue.Member{Places: w.runner.places(said.Values, 1), Value: target{w.program, w}}
	return nil, nil
}

// stays returns nil when the process goes on after it closed a connection.
func (w *worker) stays(ctx context.Context) error {
	timer := time.NewTimer(silence)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Begin implements [workers.Driver].
func (w *worker) Begin() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.retired {
		w.runner.queue.Add(w.member)
	}
}

// Retire implements [workers.Driver]. Programs that wait for a request on a connection may not hear
// that they are to end.
func (w *worker) Retire() <-chan struct{} {
	defer w.program.retire()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.retired = true
	if w.member == nil {
		none := make(chan struct{})
		close(none)
		return none
	}
	return w.runner.queue.Remove(w.member)
}

// suspect stops sending requests to a worker whose socket is closed, and kills it if it does not
// end by itself.
func (w *worker) suspect(err error) {
	w.Retire()
	w.runner.pool.Background(func() { w.EndSoon(err) })
}

// End implements [workers.Driver].
func (w *worker) End() {
	w.Retire()
	w.socket.close()
}
