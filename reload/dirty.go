package reload

// dirtyLimit is how many paths are kept. Beyond it everything counts as dirty.
const dirtyLimit = 10000

// dirty is what may have changed since the last scan. Its zero value is nothing.
type dirty struct {
	all   bool            // everything may have
	paths map[string]bool // real paths of files and folders that events named
}

func (d *dirty) add(path string) {
	if d.paths == nil {
		d.paths = map[string]bool{}
	}
	d.paths[path] = true
	if len(d.paths) > dirtyLimit {
		d.addAll()
	}
}

func (d *dirty) addAll() { *d = dirty{all: true} }
