package python

import (
	"fmt"
	"os"
	"strconv"

	"github.com/modgw/modgw/internal/eventloop"
	"github.com/modgw/modgw/internal/proc"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/runner/python/zygote"
	"github.com/modgw/modgw/modgw/runner/workers"
	"github.com/modgw/modgw/modgw/wire"
)

// Launch implements [workers.Program]. It starts the interpreter, or has it forked.
func (w *worker) Launch() (workers.Process, error) {
	if w.guest != nil {
		return w.guest, nil
	}
	theirs, err := w.connect()
	defer closeFiles(theirs)
	var p workers.Process
	if err == nil {
		p, err = w.startProcess(theirs)
	}
	if err != nil {
		w.closeConnections()
		return nil, err
	}
	return p, nil
}

// connect makes the control connection and the lanes, and returns the worker's ends.
func (w *worker) connect() (theirs []*os.File, err error) {
	control, file, err := wire.Pair()
	if err != nil {
		return nil, err
	}
	theirs = append(theirs, file)
	w.control, w.in, w.out = control, wire.NewReader(control), wire.NewWriter(control)
	files, err := w.makeLanes()
	return append(theirs, files...), err
}

// makeLanes makes the lanes, and returns the worker's ends of those that it made, and after them what it shares.
func (w *worker) makeLanes() (theirs []*os.File, err error) {
	r := w.runner
	if r.seats != nil {
		shared, file, err := newSharedLane(r, w)
		if err != nil {
			return nil, err
		}
		w.shared, w.places = shared, r.program.newPlaces(w)
		theirs = append(theirs, file)
		if area := w.shelve(); area != nil {
			theirs = append(theirs, area)
		}
		return theirs, nil
	}
	for number := range r.program.lanes {
		l, file, err := newLane(r.pool, w, number, r.loop())
		if err != nil {
			return theirs, err
		}
		theirs = append(theirs, file)
		w.lanes = append(w.lanes, l)
	}
	if area := w.share(); area != nil {
		theirs = append(theirs, area)
	}
	return theirs, nil
}

// loop is the one on which requests are served; nil: there is none. What attaches is served by goroutines.
func (r *Runner) loop() *eventloop.Loop {
	if r.attached != nil {
		return nil
	}
	return r.config.Loop
}

func (w *worker) closeConnections() {
	if w.control != nil {
		w.control.Close()
	}
	w.closeLanes()
}

func (w *worker) closeLanes() {
	for _, l := range w.lanes {
		l.close()
	}
	if w.shared != nil {
		w.shared.close()
	}
}

// startProcess runs the interpreter with what is the worker's as descriptors 3, 4, … and the lifeline after them, or has it
// forked from the worker's template.
func (w *worker) startProcess(theirs []*os.File) (workers.Process, error) {
	r := w.runner
	if err := r.files.verify(); err != nil {
		return nil, err
	}
	options := r.options(w, 3+len(theirs))
	spec := proc.Spec{
		Path:     r.config.Environment.Interpreter,
		Args:     append([]string{"-X", "faulthandler", r.files.Dir}, options...),
		Files:    theirs,
		Output:   proc.Output{Raw: r.show()},
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

// options are what the worker's program is told on its command line.
func (r *Runner) options(w *worker, lifeline int) []string {
	options := []string{"--lanes", strconv.Itoa(r.program.lanes), "--lifeline", strconv.Itoa(lifeline)}
	if w.area {
		options = append(options, "--area", strconv.Itoa(lifeline-1))
	}
	if r.files.Zygotes != nil {
		options = append(options, "--report", "modules")
	}
	// These are for people who look at the list of processes.
	return append(options,
		"app="+string(r.config.Descriptor.Name), fmt.Sprintf("gen=%d", r.config.Generation), fmt.Sprintf("worker=%d", w.Number))
}

func (r *Runner) startMessage(number int) wire.StartMessage {
	d := r.config.Descriptor
	return wire.StartMessage{
		Kind:        string(d.Kind),
		Entry:       d.Entry(),
		Threads:     r.program.lanes,
		Concurrency: r.program.seats,
		Gevent:      r.program.gevent,
		Lifespan:    r.program.lifespan,
		Path:        append(append([]string{}, d.Python.Path...), r.config.Environment.SearchPath...),
		Root:        d.Root,
		Mount:       string(d.Mount),
		App:         string(d.Name),
		Generation:  r.config.Generation,
		Worker:      number,
		Dev:         r.config.Dev,
		Authorize:   callables(d.Authorize),
		Groups:      groups(d.Authorize),
	}
}

// callables are those of an authorizer, by what they are asked; nil without one.
func callables(a *modgw.Authorize) map[string]string {
	if a == nil {
		return nil
	}
	return map[string]string{"check_password": a.CheckPassword, "groups_for_user": a.GroupsForUser, "allow_access": a.AllowAccess}
}

func groups(a *modgw.Authorize) []string {
	if a == nil {
		return nil
	}
	return a.Groups
}

func closeFiles(files []*os.File) {
	for _, f := range files {
		// It was only passed on.
		_ = f.Close()
	}
}
