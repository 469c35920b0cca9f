package python

import (
	"path/filepath"
	"strings"
)

// mostOutside is how many files outside its root an app is believed to have.
const mostOutside = 5000

// OutsideFiles are the files of the modules that the app has loaded from outside its root and that belong neither to its
// environment nor to Python, such as those of a package that is installed as editable. There are none before a worker
// has told them, and none in a runner without [Templates].
func (r *Runner) OutsideFiles() []string {
	if files := r.outside.Load(); files != nil {
		return *files
	}
	return nil
}

// learn takes what a worker tells of the modules that it has loaded.
func (r *Runner) learn(w *worker, report workerReport) {
	var files []string
	for _, file := range report.files {
		if filepath.IsAbs(file) && len(files) < mostOutside && !strings.HasPrefix(file, r.config.Descriptor.Root+"/") {
			files = append(files, filepath.Clean(file))
		}
	}
	r.outside.Store(&files)
	r.stock.learn(r, w, report)
}
