package modgw

import (
	"slices"
	"strings"
	"time"
)

// AppStatus is a snapshot of an app, as status shows it and the control socket sends it.
type AppStatus struct {
	App        AppName           `json:"app"`        // name of the app
	State      AppState          `json:"state"`      // effect on requests
	Kind       Kind              `json:"kind"`       // kind of the app
	Hosts      []string          `json:"hosts"`      // empty: any
	Mount      MountPath         `json:"mount"`      // path where the app begins
	Root       string            `json:"root"`       // working directory
	Descriptor string            `json:"descriptor"` // its file; "": none
	Generation *GenerationStatus `json:"generation"` // null while there is none
	Previous   int               `json:"previous"`   // rollback returns to it; 0: none
	Draining   []DrainingStatus  `json:"draining"`   // replaced, with requests left
	Drained    *DrainedStatus    `json:"drained"`    // the last to end; null: none

	// PreviousEnvironment is the ID of the environment that rollback needs; "": none.
	PreviousEnvironment string `json:"previousEnvironment"`

	Scale    *ScaleStatus   `json:"scale"`    // number of its workers; null: it has none
	Sleep    *SleepStatus   `json:"sleep"`    // null: its descriptor does not let it sleep
	Runner   RunnerStatus   `json:"runner"`   // its workers
	Waiting  int            `json:"waiting"`  // requests that wait for the first generation
	Requests int64          `json:"requests"` // handed to the app since the host started
	Failure  *FailureStatus `json:"failure"`  // the last deploy, when it failed
	Failing  *FailingStatus `json:"failing"`  // requests that failed lately; null: none
}

// FailingStatus is about requests that were answered with a status from 500 on, by the app or in
// its place.
type FailingStatus struct {
	Count   int           `json:"count"`   // failed requests
	Minutes int           `json:"minutes"` // minutes that are counted
	Last    FailedRequest `json:"last"`    // the latest of them
}

// FailedRequest is one of them.
type FailedRequest struct {
	SuspectRequest
	Status int       `json:"status"` // HTTP status, 500 or more
	Time   time.Time `json:"time"`   // end of the request
}

// Environments are the IDs of the environments that the app needs: for its generation, for those
// that drain, and for the one that rollback returns to.
func (s AppStatus) Environments() (ids []string) {
	add := func(id string) {
		if id != "" {
			ids = append(ids, id)
		}
	}
	add(s.PreviousEnvironment)
	if s.Generation != nil {
		add(s.Generation.Environment.ID)
	}
	for _, d := range s.Draining {
		add(d.Environment)
	}
	return ids
}

// GenerationStatus is a snapshot of a generation.
type GenerationStatus struct {
	Number      int               `json:"number"`      // counts from 1
	Cause       string            `json:"cause"`       // why it was made
	Ready       time.Time         `json:"ready"`       // when it took over
	Took        float64           `json:"took"`        // seconds from deploy to ready
	InFlight    int               `json:"inFlight"`    // requests
	Environment EnvironmentStatus `json:"environment"` // environment it runs in
}

// EnvironmentStatus is a snapshot of an environment.
type EnvironmentStatus struct {
	// The fields are those of Environment.
	ID          string    `json:"id"`
	Dir         string    `json:"dir"`
	Interpreter string    `json:"interpreter"`
	Version     string    `json:"version"`
	Source      string    `json:"source"`
	Builder     string    `json:"builder"`
	Packages    []Package `json:"packages"`
}

// DrainingStatus is a replaced generation that still finishes requests.
type DrainingStatus struct {
	Generation int       `json:"generation"` // its number
	InFlight   int       `json:"inFlight"`   // requests left
	Since      time.Time `json:"since"`      // when it was replaced

	// Environment is the ID of the environment that its workers run in; "": none.
	Environment string `json:"environment"`
}

// DrainedStatus describes how a replaced generation ended.
type DrainedStatus struct {
	Generation int       `json:"generation"` // its number
	Requests   int       `json:"requests"`   // in flight when it was replaced
	Cut        int       `json:"cut"`        // requests cut off at its limit
	Time       time.Time `json:"time"`       // when its workers had ended
}

// FailureStatus describes a deploy that failed.
type FailureStatus struct {
	Code  string    `json:"code"`  // code of the fault
	Error string    `json:"error"` // one line
	Text  string    `json:"text"`  // all of it, with the output of the failing program and the hint
	Cause string    `json:"cause"` // why there was a deploy
	Time  time.Time `json:"time"`  // end of the deploy
}

// Status returns a snapshot of all apps, by name.
func (g *Gateway) Status() []AppStatus {
	apps := g.all()
	all := make([]AppStatus, 0, len(apps))
	for _, app := range apps {
		all = append(all, app.status())
	}
	slices.SortFunc(all, func(a, b AppStatus) int { return strings.Compare(string(a.App), string(b.App)) })
	return all
}

// AppStatus returns a snapshot of one app.
func (g *Gateway) AppStatus(name AppName) (AppStatus, error) {
	app, err := g.app(name)
	if err != nil {
		return AppStatus{}, err
	}
	return app.status(), nil
}

func (a *App) status() AppStatus {
	current, runner := a.lockWithStatus()
	defer a.mu.Unlock()
	d := a.routed
	s := AppStatus{
		App:        a.name,
		State:      a.state,
		Kind:       d.Kind,
		Hosts:      append([]string{}, d.Hosts...),
		Mount:      d.Mount,
		Root:       d.Root,
		Descriptor: d.File,
		Draining:   []DrainingStatus{},
		Runner:     runner,
		Waiting:    a.waiting,
		Drained:    a.drained,
		Requests:   a.requests.Load(),
		Failing:    a.failing.status(time.Now()),
	}
	if current != nil {
		s.Generation = current.status()
	}
	s.Scale = a.scaleStatusLocked(s.Runner.Wanted)
	s.Sleep = a.sleepStatusLocked()
	if a.previous != nil {
		s.Previous, s.PreviousEnvironment = a.previous.Number, a.previous.Environment.ID
	}
	for g, since := range a.draining {
		s.Draining = append(s.Draining, DrainingStatus{g.Number, g.inFlight(), since, g.Environment.ID})
	}
	slices.SortFunc(s.Draining, func(a, b DrainingStatus) int { return a.Generation - b.Generation })
	if f := a.failure; f != nil {
		s.Failure = &FailureStatus{f.Fault.Code, f.Fault.Line(), f.Fault.Error(), f.Cause, f.Time}
	}
	return s
}

// lockWithStatus locks a.mu, and returns the current generation, or nil, and the status of its
// runner. The runner is asked before locking, because it may ask the kernel, for which requests and
// deploys must not wait.
func (a *App) lockWithStatus() (current *Generation, runner RunnerStatus) {
	for {
		current, runner = a.current.Load(), RunnerStatus{Workers: []WorkerStatus{}}
		if current != nil {
			runner = current.runner.Status()
		}
		a.mu.Lock()
		if a.current.Load() == current {
			return current, runner
		}
		a.mu.Unlock() // it was replaced meanwhile
	}
}

func (g *Generation) status() *GenerationStatus {
	env := g.Environment
	return &GenerationStatus{
		Number:   g.Number,
		Cause:    g.Cause,
		Ready:    g.Ready,
		Took:     g.Took.Seconds(),
		InFlight: g.inFlight(),
		Environment: EnvironmentStatus{
			ID:          env.ID,
			Dir:         env.Dir,
			Interpreter: env.Interpreter,
			Version:     env.Version,
			Source:      env.Source,
			Builder:     env.Builder,
			Packages:    append([]Package{}, env.Packages...),
		},
	}
}

// inFlight returns the number of requests that the generation has.
func (g *Generation) inFlight() int { return int(g.users.Load() &^ (retired | asleep)) }
