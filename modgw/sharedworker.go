package modgw

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"time"
)

// SharedWorker is a worker that two hosts have while one of them replaces the other.
type SharedWorker struct {
	Number int `json:"number"` // its number
	PID    int `json:"pid"`    // id of its process
	// in the environment of its processes; "": none
	Mark     string    `json:"mark,omitempty"`
	Started  time.Time `json:"started"`  // when it began to start
	Requests int       `json:"requests"` // requests executed so far

	// Program is the data of its runner.
	Program json.RawMessage `json:"program,omitempty"`

	// Files are those by which its process is supervised, followed by those of its runner. The user
	// must close them.
	Files []*os.File `json:"-"`
}

// Close closes the files.
func (w SharedWorker) Close() {
	for _, f := range w.Files {
		f.Close()
	}
}

// Inherit asks the host that is replaced for one of its workers, by number. files are the runner's
// files for the worker, and are closed. The worker is the other host's until [Sharer.Own].
type Inherit func(number int, files []*os.File) (SharedWorker, error)

// Sharer is a runner whose workers two hosts can have while one of them replaces the other.
type Sharer interface {
	// Shareable returns the numbers of the workers that another host can have.
	Shareable() []int

	// Share lets another host have a worker as well, which gets the files. It closes them.
	Share(number int, files []*os.File) (SharedWorker, error)

	// Give leaves workers that were shared to the other host, by the ids of their processes. They
	// still execute the requests of this runner, and go on after Stop.
	Give(pids []int)

	// Own makes the workers of another host this runner's, and returns the ids of their processes.
	Own() []int

	// ReadOutput logs their output from now on.
	ReadOutput()
}

// Inherited is the state of an app that another host serves.
type Inherited struct {
	Number int    // number of its generation
	Wanted int    // workers that there should be; 0: unknown
	Scale  *Scale // set by an administrator; nil: that of the descriptor

	// Identity is the identity of the generation. A generation with the same one inherits the
	// workers. "": none does.
	Identity string
	Workers  []int   // numbers of workers that it may inherit
	Inherit  Inherit // asks for one of them
}

// Inherit records that another host serves an app until this one does. The numbers of generations
// continue, and the first one has all its workers when it takes over. It does nothing for an
// unknown app.
func (g *Gateway) Inherit(name AppName, i Inherited) {
	app, err := g.app(name)
	if err != nil {
		return
	}
	app.mu.Lock()
	defer app.mu.Unlock()
	if app.inherits {
		return
	}
	app.count, app.inherits, app.inherited = max(app.count, i.Number), true, &i
	if i.Scale != nil {
		app.sizing.manual = &manualScale{*i.Scale, app.routed.Scale()}
	}
}

// inherit fills in the properties that a generation inherits from the other host's, if they differ
// only in their workers. Its number is set by then.
func (a *App) inherit(next *Generation, c *RunnerConfig) {
	a.mu.Lock()
	defer a.mu.Unlock()
	i := a.inherited
	a.inherited = nil // workers that are started later are new
	if i == nil {
		return
	}
	if i.Wanted > 0 && next.Descriptor.Scale().Max > 0 {
		scale, _ := a.scaleLocked(next.Descriptor)
		c.Size = scale.Clamp(i.Wanted)
	}
	if i.Identity == "" || i.Identity != next.identity() || len(i.Workers) == 0 {
		return
	}
	next.inherits = true
	c.Inherit = func(number int, files []*os.File) (SharedWorker, error) {
		if !slices.Contains(i.Workers, number) {
			for _, f := range files {
				f.Close()
			}
			return SharedWorker{}, fmt.Errorf("the other host has no worker %d to pass on", number)
		}
		return i.Inherit(number, files)
	}
	c.Few = false
	if next.Number == i.Number+1 {
		next.Number, a.count, c.Generation = i.Number, i.Number, i.Number
	}
}

// identity is the same for generations whose processes are started in the same way, for all
// versions of this program: fields without a value do not count.
func (g *Generation) identity() string {
	e := Environment{}
	if g.Environment != nil {
		e = *g.Environment
	}
	e.Built, e.Took, e.Packages, e.Unread, e.Builder = time.Time{}, 0, nil, nil, ""
	text, err := json.Marshal(struct {
		Descriptor  Descriptor
		Environment Environment
	}{g.Descriptor, e})
	if err != nil {
		return ""
	}
	var all any
	if err := json.Unmarshal(text, &all); err != nil {
		return ""
	}
	if text, err = json.Marshal(withoutZero(all)); err != nil {
		return ""
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// withoutZero is a JSON value without the fields of objects that have no value; nil for none.
func withoutZero(value any) any {
	switch v := value.(type) {
	case map[string]any:
		for name, field := range v {
			if field = withoutZero(field); field == nil {
				delete(v, name)
			} else {
				v[name] = field
			}
		}
		if len(v) == 0 {
			return nil
		}
	case []any:
		if len(v) == 0 {
			return nil
		}
		for i, element := range v {
			v[i] = withoutZero(element)
		}
	case string:
		if v == "" {
			return nil
		}
	case float64:
		if v == 0 {
			return nil
		}
	case bool:
		if !v {
			return nil
		}
	}
	return value
}

// Shareable has the facts about an app that a replacing host needs.
type Shareable struct {
	App    AppName  // name of the app
	State  AppState // its reaction to a request
	Number int      // number of its generation; 0: there is none

	Wanted   int    // workers that there should be; 0: it has none
	Scale    *Scale // set by an administrator; nil: that of the descriptor
	Identity string // identity of the generation; "": no worker can be shared
	Workers  []int  // numbers of the workers that can be shared
}

// Shareable returns the facts about all apps that a replacing host needs, in no order.
func (g *Gateway) Shareable() (all []Shareable) {
	for _, app := range g.all() {
		all = append(all, app.shareable())
	}
	return all
}

func (a *App) shareable() Shareable {
	a.mu.Lock()
	s := Shareable{App: a.name, State: a.state}
	if m := a.sizing.manual; m != nil {
		s.Scale = &m.Scale
	}
	a.mu.Unlock()
	current := a.current.Load()
	if current == nil {
		return s
	}
	s.Number = current.Number
	if sharer, ok := current.runner.(Sharer); ok {
		if s.Workers = sharer.Shareable(); len(s.Workers) > 0 {
			s.Identity = current.identity()
		}
	}
	s.Wanted = current.size()
	return s
}

// wakeTime is how long a sleeping app may take until its workers can be shared.
const wakeTime = time.Second

// Share lets another host have a worker of an app's generation as well. It closes the files.
func (g *Gateway) Share(name AppName, generation, number int, files []*os.File) (SharedWorker, error) {
	sharer, err := g.sharerOf(name, generation)
	if err != nil {
		for _, f := range files {
			f.Close()
		}
		return SharedWorker{}, err
	}
	return sharer.Share(number, files)
}

func (g *Gateway) sharerOf(name AppName, generation int) (Sharer, error) {
	app, err := g.app(name)
	if err != nil {
		return nil, err
	}
	current := app.current.Load()
	if current == nil || current.Number != generation {
		return nil, fmt.Errorf("app %q has another generation by now", name)
	}
	sharer, ok := current.runner.(Sharer)
	if !ok {
		return nil, fmt.Errorf("the workers of app %q cannot be shared", name)
	}
	ctx, cancel := context.WithTimeout(context.Background(), wakeTime)
	defer cancel()
	return sharer, app.wake(ctx, WokenByDeploy)
}

// GiveShared leaves workers that were shared to the other host, by the ids of their processes.
func (g *Gateway) GiveShared(pids []int) {
	for _, s := range g.sharers() {
		s.Give(pids)
	}
}

// OwnInherited makes all workers of the other host this one's, and returns the ids of their
// processes.
func (g *Gateway) OwnInherited() (pids []int) {
	for _, s := range g.sharers() {
		pids = append(pids, s.Own()...)
	}
	return pids
}

// ReadInherited logs their output from now on.
func (g *Gateway) ReadInherited() {
	for _, s := range g.sharers() {
		s.ReadOutput()
	}
}

// sharers are the runners of the generations that serve or drain whose workers can be shared.
func (g *Gateway) sharers() (all []Sharer) {
	for _, app := range g.all() {
		app.mu.Lock()
		generations := []*Generation{app.current.Load()}
		for old := range app.draining {
			generations = append(generations, old)
		}
		app.mu.Unlock()
		for _, generation := range generations {
			if generation == nil {
				continue
			}
			if s, ok := generation.runner.(Sharer); ok {
				all = append(all, s)
			}
		}
	}
	return all
}
