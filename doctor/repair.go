package doctor

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// How long a change may take to have an effect after the web server was told to reload.
const (
	reloadTimeout  = 5 * time.Second
	reloadInterval = 200 * time.Millisecond

	// replaceTimeout is how long to wait for processes with the old configuration to end.
	replaceTimeout  = 2 * time.Second
	replaceInterval = 10 * time.Millisecond
)

// Repair examines everything and fixes problems one at a time. A change is kept if the web server
// accepts its configuration and a new examination no longer has the finding; otherwise it is
// reverted. Repair returns the findings that it has fixed, marked as such, and those that are left.
func (d *Doctor) Repair(ctx context.Context) ([]Finding, error) {
	found, err := d.Examine(ctx)
	if err != nil {
		return nil, err
	}
	return d.repair(ctx, found)
}

// repair fixes the findings of an examination.
func (d *Doctor) repair(ctx context.Context, found []Finding) ([]Finding, error) {
	var fixed []Finding
	failed := map[string]bool{}
	for {
		i := slices.IndexFunc(found, func(f Finding) bool { return f.Repairable() && !failed[f.key()] })
		if i < 0 {
			return append(fixed, found...), nil
		}
		f := found[i]
		after, err := d.try(ctx, found, f)
		switch {
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case err != nil:
			failed[f.key()] = true
			for i := range found {
				if found[i].key() == f.key() {
					found[i].Fix += fmt.Sprintf(" (not done: %v)", firstLine(err.Error()))
				}
			}
		default:
			f.Fixed = true
			fixed, found = append(fixed, f), after
		}
	}
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

// try carries out the edits of a finding, and returns the findings of a new examination. After an
// error everything is as before.
func (d *Doctor) try(ctx context.Context, before []Finding, f Finding) ([]Finding, error) {
	if err := d.keep(f.edits); err != nil {
		return nil, err
	}
	old, err := apply(f.edits)
	if err != nil {
		return nil, err
	}
	after, err := d.accept(ctx, before, f)
	if err == nil {
		return after, nil
	}
	if undone := restore(old); undone != nil {
		return nil, fmt.Errorf("%w; %w", err, undone)
	}
	// The running server must match the files, even if the doctor is told to stop.
	if reloaded := d.reload(context.WithoutCancel(ctx)); reloaded != nil {
		return nil, fmt.Errorf("%w; %w", err, reloaded)
	}
	return nil, err
}

// accept lets the web servers check and load their changed configuration, and examines again until
// a finding is gone.
func (d *Doctor) accept(ctx context.Context, before []Finding, f Finding) ([]Finding, error) {
	for _, s := range d.Servers {
		if err := s.check(ctx); err != nil {
			return nil, err
		}
	}
	if err := d.reload(ctx); err != nil {
		return nil, err
	}
	var last []Finding
	for deadline, examined := time.Now().Add(reloadTimeout), false; ; examined = true {
		after, err := d.Examine(ctx)
		if err != nil {
			return nil, err
		}
		worse := newFailure(before, after)
		gone := count(after, f.key()) < count(before, f.key()) && worse == nil
		late := d.Host == nil || time.Now().After(deadline)
		// A process that still has the old configuration may have answered some of the probes: the
		// outcome counts when nothing is left, or when it is the same twice.
		if gone && (late || len(after) == 0 || examined && slices.EqualFunc(last, after, sameFinding)) {
			return after, nil
		}
		last = after
		if late {
			if worse != nil {
				return nil, fmt.Errorf("it made things worse: %s", worse.Text())
			}
			return nil, fmt.Errorf("it did not help")
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(reloadInterval):
		}
	}
}

func sameFinding(a, b Finding) bool {
	return a.key() == b.key() && a.Line == b.Line && a.Message == b.Message
}

func count(found []Finding, key string) (n int) {
	for _, f := range found {
		if f.key() == key {
			n++
		}
	}
	return n
}

// outages are codes of findings that no change may cause.
var outages = []string{"MGW-DOC-030", "MGW-DOC-033", "MGW-DOC-034", "MGW-DOC-039"}

// newFailure returns an outage that there was not before.
func newFailure(before, after []Finding) *Finding {
	for _, f := range after {
		if slices.Contains(outages, f.Code) && !slices.ContainsFunc(before, func(b Finding) bool { return slices.Contains(outages, b.Code) && b.App == f.App }) {
			return &f
		}
	}
	return nil
}

// reload lets all web servers take their configuration again.
func (d *Doctor) reload(ctx context.Context) error {
	servers, _ := d.readServers()
	for _, s := range servers {
		if err := s.reload(ctx); err != nil {
			return err
		}
	}
	return nil
}

// keep saves the files of edits as they were before the first of them, in a folder of this run.
func (d *Doctor) keep(edits []edit) error {
	if d.Backups == "" {
		return nil
	}
	dir := filepath.Join(d.Backups, d.begun.UTC().Format("20060102-150405"))
	for _, e := range edits {
		if e.mode != 0 {
			continue
		}
		name := filepath.Join(dir, strings.ReplaceAll(strings.Trim(e.file, "/"), "/", "%"))
		if _, err := os.Lstat(name); err == nil {
			continue // as it was before the first edit
		}
		text, err := os.ReadFile(e.file)
		if err == nil {
			err = os.MkdirAll(dir, 0o700)
		}
		if err == nil {
			err = os.WriteFile(name, text, 0o600)
		}
		if err != nil {
			return notEdited(e.file, err)
		}
	}
	return nil
}
