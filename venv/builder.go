package venv

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/modgw/modgw/modgw"
)

// Config is the configuration of a [Builder].
type Config struct {
	State   string        // the host's folder; environments are in its envs folder. Never ""
	Log     *slog.Logger  // nil: nothing is logged
	Timeout time.Duration // the longest that one build may take, from when it begins; 0: 30 minutes

	// Parallel is the number of environments that are built at the same time; 0: as many as there
	// are CPUs, and at least two. An existing environment waits for none.
	Parallel int

	// Kept returns the size of the data that the host keeps for a user's apps, such as in the
	// spool. Measured is called with the disk usage of a user with a quota, on any goroutine. nil:
	// nothing is kept, and nothing is called.
	Kept     func(user string) modgw.DiskUsage
	Measured func(user string, used modgw.DiskUsage)

	// Environ is where PATH, PYENV_ROOT, PIP_INDEX_URL and similar ones are looked up; nil: the
	// process environment.
	Environ []string
}

// Builder builds environments. Many goroutines may call its methods, and many processes may use one
// state folder.
type Builder struct {
	envs    string
	caches  string
	steps   string // fingerprints of the commands of build blocks
	private string // private folders of apps, which the host makes
	log     *slog.Logger
	timeout time.Duration
	turns   chan struct{} // has one element for each build that runs
	host    hostEnviron

	*answers

	kept     func(user string) modgw.DiskUsage
	measured func(user string, used modgw.DiskUsage)
	users    sync.Map // has the names of the users that were measured
}

// New returns a Builder. It touches no file.
func New(c Config) *Builder {
	if state, err := filepath.Abs(c.State); err == nil {
		c.State = state // programs that get it run in other folders
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Environ == nil {
		c.Environ = os.Environ()
	}
	if c.Kept == nil {
		c.Kept = func(string) modgw.DiskUsage { return modgw.DiskUsage{} }
	}
	if c.Measured == nil {
		c.Measured = func(string, modgw.DiskUsage) {}
	}
	return &Builder{
		kept: c.Kept, measured: c.Measured,
		private: filepath.Join(c.State, "private"),
		envs:    filepath.Join(c.State, "envs"),
		caches:  filepath.Join(c.State, "cache"),
		steps:   filepath.Join(c.State, "builds"),
		log:     c.Log,
		timeout: cmp.Or(c.Timeout, 30*time.Minute),
		turns:   make(chan struct{}, cmp.Or(c.Parallel, max(2, runtime.NumCPU()))),
		host:    newHostEnviron(c.Environ),
		answers: &answers{},
	}
}

// Step is something that a build does now, for people who wait for it.
type Step struct {
	App    modgw.AppName // app of the environment
	Text   string        // "creating the environment with CPython 3.12.1", or an output line
	Output bool          // Text is such a line
}

// withoutSecrets is an error of a build for people to see.
func withoutSecrets(err error, d modgw.Descriptor) error {
	if fault, ok := errors.AsType[*modgw.Fault](err); ok {
		return fault.Redacted(d.Secrets)
	}
	return err
}

// attempts is the number of times a build starts again because its inputs changed while it ran.
const attempts = 3

// Build returns the environment for d and builds it when it is not there. progress may be nil; it
// is called while Build runs, never by two goroutines at once. An error leaves everything as it
// was.
func (b *Builder) Build(ctx context.Context, d modgw.Descriptor, progress func(Step)) (*modgw.Environment, error) {
	if progress == nil {
		progress = func(Step) {}
	}
	for range attempts {
		env, err := b.attempt(ctx, d, progress)
		switch {
		case err == nil:
			return env, nil
		case ctx.Err() != nil:
			return nil, stopped(d.Name, context.Cause(ctx))
		case errors.Is(err, errBuildTimeout):
			return nil, stopped(d.Name, errBuildTimeout)
		case !errors.Is(err, errInputsChanged):
			return nil, withoutSecrets(err, d)
		}
	}
	return nil, keptChanging(d.Name)
}

// attempt builds from the current inputs; errInputsChanged means that they have changed meanwhile.
func (b *Builder) attempt(ctx context.Context, d modgw.Descriptor, progress func(Step)) (*modgw.Environment, error) {
	p, err := b.plan(ctx, d, progress)
	if err != nil {
		return nil, err
	}
	env := &modgw.Environment{Unread: p.unread}
	for _, note := range p.unread {
		p.say("%s", note)
	}
	switch {
	case p.existing:
		env = p.existingEnvironment()
	case p.recipe != nil:
		if env, err = b.realise(ctx, p); err != nil {
			return nil, err
		}
	}
	if err := b.runStep(ctx, p, env); err != nil {
		return nil, err
	}
	return env, nil
}

// Fingerprint names the environment that d asks for, without building it: its ID and, for a build
// block, "+" and the hash of the command's inputs. If two fingerprints are equal, nothing has to be
// built and running processes need no restart. It is "" for an app that needs no environment.
func (b *Builder) Fingerprint(d modgw.Descriptor) (string, error) {
	p, err := b.plan(context.Background(), d, func(Step) {})
	if err != nil || d.Build == nil {
		return p.id(), err
	}
	read, err := p.stepInputs()
	if err != nil {
		return "", err
	}
	h := sha256.New()
	feed(h, d.Build.Command...)
	feed(h, read...)
	return p.id() + "+" + hex.EncodeToString(h.Sum(nil))[:hashLength], nil
}

// Inputs returns the absolute paths of the files that can change the environment for d, whether
// they exist or not. The entry file is one of them only if its PEP 723 block would decide. Sources
// of a Go program are not among them: they are the app's code.
func (b *Builder) Inputs(d modgw.Descriptor) []string {
	acct, err := lookupAccount(d)
	if err != nil {
		return nil
	}
	var list []string
	switch { // unreadable files are watched as well
	case d.UsesPython():
		in, _ := readInputs(d, acct)
		list = in.watched
	case d.Kind == modgw.KindGo:
		sources, _ := readGoSources(d.Root, acct)
		list = sources.watched
	case d.Kind == modgw.KindHTTP:
		for _, name := range nodeInputs {
			list = append(list, filepath.Join(d.Root, name))
		}
	}
	if d.Build != nil {
		files, _ := (&plan{descriptor: d, account: acct}).stepFiles()
		for _, file := range files {
			list = append(list, filepath.Join(d.Root, file))
		}
	}
	return list
}

// takeTurn waits until fewer builds run than may, and returns a context with the time that one
// build may take. The caller calls end when the build has ended.
func (b *Builder) takeTurn(ctx context.Context, p *plan) (building context.Context, end func(), err error) {
	select {
	case b.turns <- struct{}{}:
	default:
		p.say("waiting for other builds")
		select {
		case b.turns <- struct{}{}:
		case <-ctx.Done():
			return nil, nil, context.Cause(ctx)
		}
	}
	building, cancel := context.WithTimeoutCause(ctx, b.timeout, errBuildTimeout)
	return building, func() { cancel(); <-b.turns }, nil
}

var (
	errInputsChanged = errors.New("the inputs changed")
	errBuildTimeout  = errors.New("the time for a build is over")
)
