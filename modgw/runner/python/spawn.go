package python

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"github.com/modgw/modgw/internal/proc"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/runner/crew"
	"github.com/modgw/modgw/modgw/runner/queue"
	"github.com/modgw/modgw/modgw/wire"
)

// oomScore makes the kernel kill a worker rather than the host when memory runs out.
const oomScore = 300

// spawn starts the process of a worker, or forks it from t unless that is nil, and tells it what to load. An error is a
// fault, or an *unfit.
func (r *Runner) spawn(number int, t *template) (*worker, error) {
	w := &worker{
		number: number,
		dev:    r.config.Dev,
		log:    r.config.Log.With("worker", number),
		wanted: make(chan string, 1),
		loaded: make(chan loading, 1),
		lost:   make(chan struct{}),

		template: t,
	}
	if r.files.Templates != nil {
		w.reported = func(m workerReport) { r.learn(w, m) }
	}
	theirs, err := r.connect(w)
	defer closeFiles(theirs)
	if err == nil {
		err = r.startProcess(w, theirs)
	}
	if err != nil {
		w.closeConnections()
		if u, ok := errors.AsType[*unfit](err); ok {
			return nil, u
		}
		return nil, cannotStart(r.config, err)
	}
	w.log = w.log.With("pid", w.process.PID())
	r.begin(w)
	w.say(wire.Start, r.startMessage(number).Append(nil))
	return w, nil
}

// begin watches over a worker that has a process now, until its end.
func (r *Runner) begin(w *worker) {
	w.event((*crew.Life).Spawned)
	r.keepTrack(w)
	r.running.Go(w.listen)
	if w.shared != nil {
		r.running.Go(w.shared.read)
	}
	r.running.Go(func() { r.bury(w) })
}

// connect makes the control connection and the lanes, and returns the worker's ends.
func (r *Runner) connect(w *worker) (theirs []*os.File, err error) {
	control, file, err := wire.Pair()
	if err != nil {
		return nil, err
	}
	theirs = append(theirs, file)
	w.control, w.in, w.out = control, wire.NewReader(control), wire.NewWriter(control)
	files, err := r.makeLanes(w)
	return append(theirs, files...), err
}

// makeLanes makes the lanes, and returns the worker's ends of those that it made.
func (r *Runner) makeLanes(w *worker) (theirs []*os.File, err error) {
	if r.seats != nil {
		shared, file, err := newSharedLane(r, w)
		if err != nil {
			return nil, err
		}
		w.shared, w.seats = shared, &queue.Member{Places: r.program.seats, Value: w}
		return []*os.File{file}, nil
	}
	for number := range r.program.lanes {
		l, file, err := newLane(r.pool, w, number)
		if err != nil {
			return theirs, err
		}
		theirs = append(theirs, file)
		w.lanes = append(w.lanes, l)
	}
	return theirs, nil
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

// startProcess runs the interpreter with the worker's ends as descriptors 3, 4, … and the lifeline after them, or has it
// forked from the worker's template.
func (r *Runner) startProcess(w *worker, theirs []*os.File) error {
	d := r.config.Descriptor
	options := r.options(w, 3+len(theirs))
	spec := proc.Spec{
		Path:       r.config.Environment.Interpreter,
		Args:       append([]string{"-X", "faulthandler", r.files.Dir}, options...),
		Env:        d.ProcessEnv(r.config.Environment, r.user.HomeDir()),
		Dir:        d.Root,
		Credential: r.user.Credential(),
		Files:      theirs,
		Limits: proc.Limits{
			Files: d.Limits.Files, Processes: d.Limits.Processes, Memory: d.Limits.Memory, OOMScore: oomScore,
		},
		Output:   proc.Output{Line: w.printer(), Raw: r.show()},
		Stdin:    r.typed(),
		Lifeline: true,
	}
	var err error
	if w.template == nil {
		w.process, err = proc.Start(spec)
		return err
	}
	release := func() {}
	w.process, err = proc.Adopt(spec, func(theirs []*os.File) (child proc.Child, err error) {
		child, release, err = w.template.fork(forkRequest(d.Root, options, append([]string{spec.Path}, spec.Args...)), theirs)
		return child, err
	})
	if err != nil {
		release()
	}
	return err
}

// options are what the worker's program is told on its command line.
func (r *Runner) options(w *worker, lifeline int) []string {
	options := []string{"--lanes", strconv.Itoa(r.program.lanes), "--lifeline", strconv.Itoa(lifeline)}
	if r.files.Templates != nil {
		options = append(options, "--report", "modules")
	}
	// These are for people who look at the list of processes.
	return append(options,
		"app="+string(r.config.Descriptor.Name), fmt.Sprintf("gen=%d", r.config.Generation), fmt.Sprintf("worker=%d", w.number))
}

// printer returns what logs a line of output.
func (w *worker) printer() func(proc.Line) {
	log := w.log // the one without a pid, which nobody knows yet
	return func(line proc.Line) {
		if line.Dropped > 0 {
			log.Warn("app output dropped", "lines", line.Dropped, "stream", line.Stream, "pid", line.PID)
			return
		}
		w.output.Add(line.Text)
		log.Info(modgw.AppLine, "line", line.Text, "stream", line.Stream, "pid", line.PID)
	}
}

func (r *Runner) startMessage(number int) wire.StartMessage {
	d := r.config.Descriptor
	return wire.StartMessage{
		Kind:        string(d.Kind),
		Entry:       d.Entry(),
		Threads:     r.program.lanes,
		Concurrency: r.program.seats,
		Gevent:      r.program.gevent,
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

// bury waits for the end of a worker's process and lets go of all that belonged to it.
func (r *Runner) bury(w *worker) {
	<-w.process.Done()
	w.lose()
	w.control.Close()
	for _, l := range r.roster.bury(w) {
		l.close()
	}
	w.span.Disarm()
	r.loseTrack(w)
	r.logEnd(w)
	w.event((*crew.Life).Exited)
}

// logEnd logs the end of a worker, once. Of one that never was ready the fault tells, and of one that was told to end
// nobody needs to know more.
func (r *Runner) logEnd(w *worker) {
	w.mu.Lock()
	state := w.life.State
	w.mu.Unlock()
	switch state {
	case crew.Ready, crew.Retiring:
		if w.attached {
			w.log.Info("worker detached", "reason", w.why()) // it may come again
			return
		}
		w.log.Error("worker ended", "reason", w.why())
	case crew.Stopping:
		w.log.Info("worker stopped", "reason", w.why())
	}
}

func closeFiles(files []*os.File) {
	for _, f := range files {
		// It was only passed on.
		_ = f.Close()
	}
}
