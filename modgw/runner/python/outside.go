package python

import (
	"path/filepath"
	"strings"
)

// mostOutside is how many files outside its root an app is believed to have.
const mostOutside = 5000

// learn takes what a worker tells of the modules that it has loaded.
func (r *Runner) learn(w *worker, report workerReport) {
	var files []string
	for _, file := range report.files {
		absolute := filepath.IsAbs(file)
		file = filepath.Clean(file) // an entry of sys.path can have ".." in it
		if absolute && len(files) < mostOutside && !strings.HasPrefix(file, r.config.Descriptor.Root+"/") {
			files = append(files, file)
		}
	}
	if tell := r.files.Outside; tell != nil {
		tell(r.config.Descriptor.Name, files)
	}
	r.stock.learn(r, w, report)
}
