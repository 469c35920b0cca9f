package reload

import (
	"path/filepath"

	"github.com/modgw/modgw/modgw"
)

// assets are the files below the root that browsers alone read, wherever they are, and those that are served as they are.
var assets = []string{"**/*.{css,js,mjs}", "**/static/**", "**/assets/**"}

// Assets are the globs of the files of an app that no process of it reads: a change needs no new workers, but pages that
// show them are old.
func Assets(d modgw.Descriptor) []Glob {
	var globs []Glob
	add := func(pattern string) { globs = append(globs, Glob{pattern, Asset}) }
	for _, pattern := range assets {
		add(pattern)
	}
	for _, a := range d.Aliases {
		if dir := relative(d.Root, a.Dir); filepath.IsAbs(dir) {
			add(escape(a.Dir) + "/**")
		} else {
			add(escape(dir) + "/**")
		}
	}
	if d.Static != nil {
		add(escape(d.Static.Dir) + "/**")
	}
	return globs
}
