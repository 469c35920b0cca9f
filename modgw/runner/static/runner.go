package static

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"

	"github.com/modgw/modgw/internal/account"
	"github.com/modgw/modgw/internal/files"
	"github.com/modgw/modgw/modgw"
)

// Runner serves the files of a static app. Make it with [New].
type Runner struct {
	folder files.Folder
	log    *slog.Logger
	busy   atomic.Int64
}

// New makes the runner of a generation.
func New(c modgw.RunnerConfig) (*Runner, error) {
	d := c.Descriptor
	if d.Static == nil {
		return nil, fmt.Errorf("cannot run app %q: it is of kind %q and not static", d.Name, d.Kind)
	}
	user, err := account.Lookup(d.User, d.Group)
	if err != nil {
		return nil, err
	}
	return &Runner{folder: files.Folder{Dir: d.Static.Dir, User: user}, log: c.Log}, nil
}

// Start looks whether the folder is there.
func (r *Runner) Start(context.Context) error {
	if err := r.folder.Visit(func(files.Root) error { return nil }); err != nil {
		return &modgw.Fault{
			Code:    "MGW-APP-019",
			Summary: fmt.Sprintf("cannot serve the folder %q", r.folder.Dir),
			Err:     err,
			Hint:    "it must exist, and the app's user must be able to enter it",
		}
	}
	return nil
}

// Stop does nothing: requests end by themselves.
func (r *Runner) Stop(context.Context) {}

// Status tells how many files are being sent.
func (r *Runner) Status() modgw.RunnerStatus {
	return modgw.RunnerStatus{Workers: []modgw.WorkerStatus{}, Busy: int(r.busy.Load())}
}

// ServeHTTP answers with a file.
func (r *Runner) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.busy.Add(1)
	defer r.busy.Add(-1)
	if req.Method != http.MethodGet && req.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "405 Method Not Allowed", http.StatusMethodNotAllowed)
		return
	}
	info := modgw.RequestInfoOf(req)
	found, err := find(r.folder, info.PathInfo, req.Header["Accept-Encoding"])
	switch {
	case err != nil:
		r.log.Debug("file not served", "error", err.Error())
		http.Error(w, "404 Not Found", http.StatusNotFound)
	case found.file == nil:
		redirectToFolder(w, req, info.Path)
	default:
		defer found.file.Close()
		found.serve(w, req)
	}
}
