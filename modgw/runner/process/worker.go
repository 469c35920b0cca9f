package process

import (
	"context"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/modgw/modgw/internal/proc"
	"github.com/modgw/modgw/internal/safepath"
	"github.com/modgw/modgw/modgw/runner/queue"
	"github.com/modgw/modgw/modgw/runner/workers"
)

// withPID runs a program in the place of a shell, so that LISTEN_PID can have the id that no one
// knows before the start.
const withPID = `LISTEN_PID=$$; export LISTEN_PID; exec "$@"`

// deathTime is how long a worker that has stopped listening may take to end by itself.
const deathTime = time.Second

// worker is one process of the program. It implements [workers.Driver].
type worker struct {
	*workers.Worker
	runner    *Runner
	member    *queue.Member
	inherited *inherited // nil once it is not needed any more
	port      *port
	pid       int     // the leader of its process group, set by Launch
	reached   address // set by Ready, or by Launch for one of another host

	mu       sync.Mutex // the process may end at any time
	upstream *upstream  // set by Ready
	ended    bool

	pulse pulse
}

func (r *Runner) newWorker(w *workers.Worker) workers.Driver {
	program := &worker{Worker: w, runner: r}
	program.member = &queue.Member{Places: places, Value: program}
	return program
}

// Launch implements [workers.Driver].
func (w *worker) Launch() (workers.Process, error) {
	if w.Inherits() {
		return w.inherit()
	}
	spec, path, err := w.spec()
	if err != nil {
		w.End()
		return nil, err
	}
	p, err := w.RunProgram(spec, path, uint16(w.port.number))
	if err != nil {
		w.End()
		return nil, err
	}
	w.pid = p.PID()
	return p, nil
}

// spec returns the process to start, and the path of the program that it executes.
func (w *worker) spec() (spec proc.Spec, path string, err error) {
	r := w.runner
	env := workers.Environ(r.config, r.user)
	path, err = safepath.Opener{User: r.user}.FindProgram(r.command[0], r.config.Descriptor.Root, env)
	if err != nil {
		return spec, path, err
	}
	if w.inherited, err = openInherited(r.network); err != nil {
		return spec, path, cannotListen(err)
	}
	if w.port, err = reservePort(); err != nil {
		return spec, path, cannotListen(err)
	}
	env = w.port.replaceInValues(env, r.config.Descriptor.Secrets)
	spec = proc.Spec{
		Path:  "/bin/sh",
		Args:  append([]string{"-c", withPID, "sh", path}, w.port.replaceIn(r.command[1:])...),
		Env:   withVariables(env, "PORT="+strconv.Itoa(w.port.number), "LISTEN_FDS=1", "LISTEN_FDNAMES=modgw"),
		Files: []*os.File{w.inherited.file},
		Leash: true,
	}
	if t := r.config.Terminal; t != nil {
		spec.Stdin, spec.Output.Raw = t.In, t.Out
	}
	return spec, path, nil
}

// Ready implements [workers.Driver]: it finds out which of the two ways to listen the program uses.
func (w *worker) Ready(ctx context.Context) ([]any, error) {
	w.mu.Lock() // End, which closes everything, waits until this has seen the end of ctx
	defer w.mu.Unlock()
	if w.ended {
		return nil, context.Canceled
	}
	address := w.reached
	if !w.Inherits() {
		var err error
		if address, err = w.listening(ctx); err != nil {
			return nil, err
		}
		w.reached = address
	}
	if !address.inherited {
		w.inherited.close()
	}
	w.upstream = newUpstream(address)
	w.Log.Debug("worker listens", "address", address.String())
	// From now on only the process has the socket, so that no one waits for a process that has
	// gone.
	return nil, w.inherited.closeFile()
}

// Begin implements [workers.Driver].
func (w *worker) Begin() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.ended {
		w.runner.queue.Add(w.member)
	}
}

// Retire implements [workers.Driver].
func (w *worker) Retire() <-chan struct{} { return w.runner.queue.Remove(w.member) }

// End implements [workers.Driver].
func (w *worker) End() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended = true
	w.runner.queue.Remove(w.member)
	w.upstream.end() // before others can get its address
	w.inherited.close()
	w.port.release()
}

// suspect reports that the worker does not listen any more. It gets no more requests. It may have
// ended already; if it does not end soon, it is killed.
func (w *worker) suspect(err error) {
	w.runner.queue.Remove(w.member)
	w.runner.Background(func() {
		timer := time.NewTimer(deathTime)
		defer timer.Stop()
		select {
		case <-w.Done():
		case <-timer.C:
			w.Log.Warn("worker does not listen any more", "error", err)
			w.Kill()
		}
	})
}

// withVariables adds variables, in the place of others of the same name.
func withVariables(env []string, variables ...string) []string {
	for _, v := range variables {
		name, _, _ := strings.Cut(v, "=")
		env = slices.DeleteFunc(env, func(old string) bool { return strings.HasPrefix(old, name+"=") })
	}
	return append(env, variables...)
}
