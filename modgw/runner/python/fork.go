package python

import (
	"path/filepath"
	"strings"

	"github.com/modgw/modgw/modgw/runner/python/zygote"
)

// forkFailure is a worker that could not be forked, so that another one is started in its place.
type forkFailure struct {
	parent *zygote.Process
	err    error
}

// joinZygote lets workers be forked, unless something that is known before the first start speaks
// against it.
func (r *Runner) joinZygote() {
	descriptors := r.settings.connections + len([]string{"stdout", "stderr", "control", "lifeline", "metrics", "pauses"})
	// A template outlives the generation that would learn from it.
	learns := r.app.Descriptor.Sandbox != nil && r.app.Descriptor.Sandbox.Learn
	if learns || r.files.Zygotes == nil || r.app.Descriptor.Python.NoTemplate || r.settings.gevent ||
		descriptors > zygote.MaxDescriptors {
		return
	}
	r.zygote = r.files.Zygotes.Join(r.zygoteApp())
}

func (r *Runner) leaveZygote() {
	if r.zygote != nil {
		r.files.Zygotes.Leave(r.zygote)
	}
}

func (r *Runner) zygoteApp() zygote.App {
	return zygote.App{
		Descriptor:  r.app.Descriptor,
		Environment: r.app.Environment,
		User:        r.user,
		Dir:         r.files.Dir,
		Sandbox:     r.sandbox,
		Stdin:       r.stdin(),
		Log:         r.app.Log,
		Verify:      r.files.verify,
		IsIdle: func() bool {
			busy, queued := r.server.Counts()
			return busy+queued == 0
		},
	}
}

// maxOutside is the number of files outside its root after which an app's further ones are not
// watched.
const maxOutside = 5000

// learnModules takes the report of a worker on the modules that it has loaded.
func (r *Runner) learnModules(w *worker, report zygote.Report) {
	var files []string
	for _, file := range report.Files {
		absolute := filepath.IsAbs(file)
		file = filepath.Clean(file) // an entry of sys.path can have ".." in it
		if absolute && len(files) < maxOutside && !strings.HasPrefix(file, r.app.Descriptor.Root+"/") {
			files = append(files, file)
		}
	}
	if report := r.files.Outside; report != nil {
		report(r.app.Descriptor.Name, files, w.started)
	}
	if r.zygote != nil {
		r.zygote.Learn(r.zygoteApp(), w.parent, report)
	}
}
