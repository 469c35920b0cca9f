package reload

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/modgw/modgw/internal/files"
	"github.com/modgw/modgw/modgw"
)

// Class is the reaction that a change requires. A change has the strongest class of all changed
// files.
type Class int

// The classes, weakest first.
const (
	Nothing      Class = iota // no reload
	Asset                     // files that only browsers read
	Code                      // new workers
	Dependencies              // perhaps another environment, then new workers
	Descriptor                // another descriptor, then all the rest
)

// String is the class in lower case, as logs and status show it.
func (c Class) String() string {
	return [...]string{"nothing", "asset", "code", "dependencies", "descriptor"}[c]
}

// Change describes the changes of an app's files since the last report.
type Change struct {
	App   modgw.AppName // names the interest
	Class Class         // the strongest of all paths
	Paths []string      // sorted; relative to the root if below it, "." being the root
	Cause string        // "views.py changed", "views.py and 3 more changed"
	Since time.Time     // time of the first event or poll that showed it
}

// changeOf sums differences up, of which there is at least one.
func changeOf(in Interest, found []difference) Change {
	slices.SortFunc(found, func(a, b difference) int {
		if a.class != b.class {
			return int(b.class - a.class)
		}
		return strings.Compare(a.path, b.path)
	})
	c := Change{App: in.App, Class: found[0].class, Cause: causeOf(in, found)}
	for _, d := range found {
		c.Paths = append(c.Paths, files.Relative(in.Root, d.path))
	}
	slices.Sort(c.Paths)
	return c
}

func causeOf(in Interest, found []difference) string {
	if i := slices.IndexFunc(found, func(d difference) bool { return d.path == in.Root }); i >= 0 {
		return in.Root + " " + found[i].verb
	}
	first, more, verb := files.Relative(in.Root, found[0].path), len(found)-1, found[0].verb
	if more == 0 {
		return first + " " + verb
	}
	if slices.ContainsFunc(found, func(d difference) bool { return d.verb != verb }) {
		verb = "changed"
	}
	return fmt.Sprintf("%s and %d more %s", first, more, verb)
}
