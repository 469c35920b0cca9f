package history

import (
	"fmt"
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
	changes = append(differences(s.Settings, after.Settings, "%[1]s = %[3]s", "%[1]s is no longer set", "%s: %s → %s"),
		differences(versions(s.Packages), versions(after.Packages),
			"package %[1]s %[3]s added", "package %[1]s %[2]s removed", "package %s: %s → %s")...)
	if len(changes) > mostChanges {
		changes = append(changes[:mostChanges], "and more")
	}
	return changes
}

// differences lists what is different in two maps. The formats get a name and both values.
func differences(before, after map[string]string, added, removed, changed string) (all []string) {
	for _, name := range sortedNames(before, after) {
		from, to, format := before[name], after[name], changed
		if from == to {
			continue
		}
		if from == "" {
			format = added
		} else if to == "" {
			format = removed
		}
		all = append(all, fmt.Sprintf(format, name, from, to))
	}
	return all
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
