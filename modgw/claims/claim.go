package claims

import (
	"cmp"
	"slices"
	"strings"

	"github.com/modgw/modgw/modgw"
)

// Claim is an app's claim to its name, its hosts and its mount.
type Claim struct {
	App   modgw.AppName   `json:"app"`             // name of the app
	Owner string          `json:"owner"`           // user of the app; "": the host's own
	File  string          `json:"file"`            // descriptor, or the app's root if it has none
	Hosts []string        `json:"hosts"`           // empty: any host
	Mount modgw.MountPath `json:"mount"`           // "": unknown, and only the name is claimed
	Match string          `json:"match,omitempty"` // pattern of the paths below Mount; "": all
}

// Of returns the claim of a descriptor.
func Of(d modgw.Descriptor) Claim {
	return Claim{App: d.Name, Owner: d.Owner, File: cmp.Or(d.File, d.Root), Hosts: d.Hosts, Mount: d.Mount, Match: d.MountMatch}
}

// Equal reports whether two claims are equal.
func (c Claim) Equal(other Claim) bool {
	return c.App == other.App && c.Owner == other.Owner && c.File == other.File && c.Mount == other.Mount &&
		c.Match == other.Match &&
		slices.Equal(c.Hosts, other.Hosts)
}

// Continues reports whether next can be the claim of the same app later: of the same user, or in a
// file that the host's own user gave to another or took over. Any other user with an app of that
// name has another app.
func (c Claim) Continues(next Claim) bool {
	if c.App != next.App {
		return false
	}
	return c.Owner == next.Owner || c.File == next.File && (c.Owner == "" || next.Owner == "")
}

// places returns the host patterns of a claim with its mount, or none if the mount is unknown.
func (c Claim) places() []place {
	if c.Mount == "" {
		return nil
	}
	if len(c.Hosts) == 0 {
		return []place{{mount: c.Mount, match: c.Match}}
	}
	places := make([]place, len(c.Hosts))
	for i, host := range c.Hosts {
		places[i] = place{host, c.Mount, c.Match}
	}
	return places
}

// place is a mount at a host pattern; host is "" for any host.
type place struct {
	host  string
	mount modgw.MountPath
	match string // apps with different ones may have the same mount
}

func (p place) String() string { return p.host + string(p.mount) + p.match }

// above returns the patterns that cover the host of p, from the longest wildcard to the shortest,
// without p's own.
func (p place) above() []string {
	_, host, _ := strings.Cut(strings.TrimPrefix(p.host, "*."), ".")
	var patterns []string
	for ; host != ""; _, host, _ = strings.Cut(host, ".") {
		patterns = append(patterns, "*."+host)
	}
	return patterns
}
