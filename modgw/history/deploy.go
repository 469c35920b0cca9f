package history

import (
	"slices"
	"time"

	"github.com/modgw/modgw/modgw"
)

// mostDeploys is the maximum number of deploys of an app that are kept.
const mostDeploys = 40

// Deploy is a deploy that has ended.
type Deploy struct {
	Time       time.Time `json:"time"`              // its end
	Generation int       `json:"generation"`        // its number; 0: none was tried
	Cause      string    `json:"cause"`             // its cause
	Took       float64   `json:"took"`              // seconds
	Code       string    `json:"code,omitempty"`    // code of the fault; "": it succeeded
	Error      string    `json:"error,omitempty"`   // one line
	Serving    int       `json:"serving"`           // the generation that serves since
	Changes    []string  `json:"changes,omitempty"` // differences from the generation before
}

// Shape holds the properties, besides the code, in which two generations of an app can differ.
type Shape struct {
	Settings map[string]string // without secrets, by name
	Packages []modgw.Package   // packages of its environment
}

// mostChanges is the maximum number of differences between two generations that are listed.
const mostChanges = 20

// changesTo lists the differences to another shape, one line for each difference.
func (s *Shape) changesTo(after Shape) (changes []string) {
	for _, name := range sortedNames(s.Settings, after.Settings) {
		switch from, to := s.Settings[name], after.Settings[name]; {
		case from == to:
		case from == "":
			changes = append(changes, name+" = "+to)
		case to == "":
			changes = append(changes, name+" is no longer set")
		default:
			changes = append(changes, name+": "+from+" → "+to)
		}
	}
	was, is := versions(s.Packages), versions(after.Packages)
	for _, name := range sortedNames(was, is) {
		switch from, to := was[name], is[name]; {
		case from == to:
		case from == "":
			changes = append(changes, "package "+name+" "+to+" added")
		case to == "":
			changes = append(changes, "package "+name+" "+from+" removed")
		default:
			changes = append(changes, "package "+name+": "+from+" → "+to)
		}
	}
	if len(changes) > mostChanges {
		changes = append(changes[:mostChanges], "and more")
	}
	return changes
}

func versions(packages []modgw.Package) map[string]string {
	all := make(map[string]string, len(packages))
	for _, p := range packages {
		all[p.Name] = p.Version
	}
	return all
}

// sortedNames returns the keys of both maps, in order.
func sortedNames(a, b map[string]string) (names []string) {
	for name := range a {
		names = append(names, name)
	}
	for name := range b {
		names = append(names, name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}
