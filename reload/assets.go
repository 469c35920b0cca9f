package reload

import (
	"github.com/modgw/modgw/internal/files"
	"github.com/modgw/modgw/modgw"
)

// assets are the files below the root that only browsers read, wherever they are, and those that
// are served as they are.
var assets = []string{"**/*.{css,js,mjs}", "**/static/**", "**/assets/**"}

// Assets returns the globs of the files of an app that none of its processes keeps, because only
// browsers read them or each request executes them again: a change needs no new workers, but pages
// that show them are stale.
func Assets(d modgw.Descriptor) []Glob {
	var globs []Glob
	add := func(pattern string) { globs = append(globs, Glob{Pattern: pattern, Class: Asset}) }
	for _, pattern := range assets {
		add(pattern)
	}
	for _, a := range d.Aliases {
		add(below(d.Root, a.Dir, "**"))
	}
	if d.Static != nil {
		add(below(d.Root, d.Static.Dir, "**"))
	}
	for _, pattern := range scriptsOf(d) {
		add(pattern)
	}
	return globs
}

// scriptsOf returns the globs of the scripts that each request executes again, and of the files
// that they may include.
func scriptsOf(d modgw.Descriptor) []string {
	var own string
	switch {
	case d.CGI != nil && d.CGI.Script != "":
		own = Escape(files.Relative(d.Root, d.CGI.Script))
	case d.CGI != nil:
		own = below(d.Root, d.CGI.Dir, "*")
	case d.FastCGI != nil && d.FastCGI.Scripts(d.Root) != "":
		own = below(d.Root, d.FastCGI.Scripts(d.Root), "**/*.php")
	default:
		return nil
	}
	return append([]string{own}, programCode...)
}

// below is a pattern for the files of a folder, relative to root where the folder is in it.
func below(root, folder, pattern string) string {
	name := files.Relative(root, folder)
	if name == "." {
		return pattern
	}
	return Escape(name) + "/" + pattern
}
