package static

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"

	"github.com/modgw/modgw/internal/files"
	"github.com/modgw/modgw/internal/webfiles"
	"github.com/modgw/modgw/modgw"
)

// Runner serves the files of a static app. Make it with [New].
type Runner struct {
	site webfiles.Site
	busy atomic.Int64
}

// New makes the runner of a generation.
func New(c modgw.RunnerConfig) (*Runner, error) {
	d := c.Descriptor
	if d.Static == nil {
		return nil, fmt.Errorf("cannot run app %q: it is of kind %q and not static", d.Name, d.Kind)
	}
	user, err := d.Account()
	if err != nil {
		return nil, err
	}
	return &Runner{site: d.Static.Files.Site(d.Folder(d.Static.Dir, user), c.Log)}, nil
}

// Start looks whether the folder is there.
func (r *Runner) Start(context.Context) error {
	if err := r.site.Folder.Visit(func(files.Root) error { return nil }); err != nil {
		return &modgw.Fault{
			Code:    "MGW-APP-019",
			Summary: fmt.Sprintf("cannot serve the folder %q", r.site.Folder.Dir),
			Err:     err,
			Hint:    "it must exist, and the app's user must be able to enter it",
		}
	}
	return nil
}

// Stop does nothing: requests end by themselves.
func (r *Runner) Stop(context.Context) {}

// Status reports the number of files that are being sent.
func (r *Runner) Status() modgw.RunnerStatus {
	return modgw.RunnerStatus{Workers: []modgw.WorkerStatus{}, Busy: int(r.busy.Load())}
}

// ServeHTTP answers with a file.
func (r *Runner) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.busy.Add(1)
	defer r.busy.Add(-1)
	info := modgw.RequestInfoOf(req)
	r.site.Serve(w, req, info.Path, info.PathInfo)
}
