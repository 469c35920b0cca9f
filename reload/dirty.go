package reload

// dirtyLimit is the number of paths that are kept. Beyond it everything counts as dirty.
const dirtyLimit = 10000

// dirty has the paths that may have changed since the last scan. Its zero value is empty.
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
