package python

import (
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/modgw/modgw/internal/proc"
	"github.com/modgw/modgw/modgw/appvalues"
	"github.com/modgw/modgw/modgw/meter"
	"github.com/modgw/modgw/modgw/runner/python/zygote"
	"github.com/modgw/modgw/modgw/runner/workers"
	"github.com/modgw/modgw/modgw/wire"
)

// Launch implements [workers.Driver]: it starts the interpreter or forks it.
func (w *worker) Launch() (workers.Process, error) {
	if w.attached != nil {
		return w.attached, nil
	}
	if w.Inherits() {
		return w.inherit()
	}
	theirs, err := w.connect()
	var p workers.Process
	if err == nil {
		theirs = append(theirs, w.shareMemory()...)
		p, err = w.startProcess(theirs)
	}
	closeFiles(theirs)
	if err != nil {
		w.disconnect()
		w.releaseMemory()
		return nil, err
	}
	return p, nil
}

// connect makes the control connection and the connections for requests, and returns the worker's
// ends, also after an error.
func (w *worker) connect() (theirs []*os.File, err error) {
	conn, file, err := wire.Pair()
	if err != nil {
		return nil, err
	}
	w.Connect(conn)
	files, err := w.makeConnections()
	return append([]*os.File{file}, files...), err
}

// shareMemory creates the memory for the worker's measurements, and returns its ends: that for the
// pauses of its interpreter, and that for the metrics of the app.
func (w *worker) shareMemory() (theirs []*os.File) {
	if meter.Enabled {
		file, ours, err := newMemory(pausesSize)
		if err == nil {
			w.pauses = ours
			theirs = append(theirs, file)
		} else {
			w.Log.Warn("pauses of the interpreter are not measured", "error", err)
		}
	}
	if !w.runner.sharesValues() {
		return theirs
	}
	file, ours, err := newMemory(appvalues.Size)
	if err != nil {
		w.Log.Warn("metrics of the app are not collected", "error", err)
		return theirs
	}
	w.values = w.runner.app.Values.Add(w.Number, ours)
	return append(theirs, file)
}

// sharesValues reports whether workers share the metrics that they make.
func (r *Runner) sharesValues() bool {
	return r.app.Values != nil && !r.app.Descriptor.Python.NoMetrics
}

// newMemory makes memory that is shared with a worker, and returns both ends.
func newMemory(size int) (theirs, ours *os.File, err error) {
	theirs, err = wire.NewSharedMemory(size)
	if err != nil {
		return nil, nil, err
	}
	fd, err := unix.FcntlInt(theirs.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		theirs.Close()
		return nil, nil, err
	}
	return theirs, os.NewFile(uintptr(fd), "what a worker measures"), nil
}

// makeConnections makes the connections for requests, and returns the worker's ends, and after them
// the memory that it shares.
func (w *worker) makeConnections() (theirs []*os.File, err error) {
	w.Connections, theirs, err = w.runner.server.Connect(w.Worker)
	return theirs, err
}

// disconnect closes the connections that were made.
func (w *worker) disconnect() {
	w.Close()
	w.closeConnections()
}

func (w *worker) closeConnections() {
	if w.Connections != nil {
		w.Connections.Close()
	}
}

// startProcess starts the interpreter, or forks it from the worker's template. Its descriptors 3,
// 4, … are theirs, and the lifeline comes after them.
func (w *worker) startProcess(theirs []*os.File) (workers.Process, error) {
	r := w.runner
	if err := r.files.verify(); err != nil {
		return nil, err
	}
	options := r.options(w, 3+len(theirs))
	spec := proc.Spec{
		Path:     r.app.Environment.Interpreter,
		Args:     append([]string{"-X", "faulthandler", r.files.Dir}, options...),
		Files:    theirs,
		Output:   proc.Output{Raw: r.stdout()},
		Stdin:    r.stdin(),
		Lifeline: true,
	}
	if w.parent == nil {
		return w.Run(spec)
	}
	w.Fill(&spec)
	if mark := spec.Scope.Mark(); mark != "" {
		options = append([]string{"--scope", mark}, options...)
	}
	release := func() {}
	p, err := proc.Adopt(spec, func(theirs []*os.File) (child proc.Child, err error) {
		child, release, err = w.parent.Fork(zygote.Worker{
			Dir: spec.Dir, Options: options, Arguments: append([]string{spec.Path}, spec.Args...),
		}, theirs)
		return child, err
	})
	if err != nil {
		release()
	}
	return p, err
}

// options returns the command line of the worker's program.
func (r *Runner) options(w *worker, lifeline int) []string {
	options := []string{"--connections", strconv.Itoa(r.settings.connections), "--lifeline", strconv.Itoa(lifeline)}
	last := lifeline - 1
	if w.values != nil {
		options = append(options, "--values", strconv.Itoa(last))
		last--
	}
	if w.pauses != nil {
		options = append(options, "--pauses", strconv.Itoa(last))
		last--
	}
	if n := w.Connections.Shared(); n > 0 {
		options = append(options, "--shared", strconv.Itoa(last+1-n), "--sharing", strconv.Itoa(n))
	}
	if r.files.Zygotes != nil {
		options = append(options, "--report", "modules")
	}
	// These are for people who look at the list of processes.
	return append(options,
		"app="+string(r.app.Descriptor.Name), fmt.Sprintf("gen=%d", r.app.Generation), fmt.Sprintf("worker=%d", w.Number))
}

func (r *Runner) startMessage(number int) wire.StartMessage {
	d := r.app.Descriptor
	m := wire.StartMessage{
		Kind:        string(d.Kind),
		Entry:       d.Entry(),
		Threads:     r.settings.connections,
		Concurrency: r.settings.requests,
		Gevent:      r.settings.gevent,
		Lifespan:    r.settings.lifespan,
		Path:        append(append([]string{}, d.Python.Path...), r.app.Environment.SearchPath...),
		Root:        d.Root,
		Mount:       string(d.Mount),
		App:         string(d.Name),
		Generation:  r.app.Generation,
		Worker:      number,
		Processes:   r.settings.most,
		Compat:      r.settings.compat,
		Dev:         r.app.Dev,
	}
	if a := d.Authorize; a != nil {
		m.Authorize = map[string]string{
			"check_password": a.CheckPassword, "groups_for_user": a.GroupsForUser, "allow_access": a.AllowAccess,
		}
		m.Groups = a.Groups
	}
	return m
}

func closeFiles(files []*os.File) {
	for _, f := range files {
		_ = f.Close() // it was only passed on
	}
}
