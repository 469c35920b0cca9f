package apache

import (
	"slices"
	"strings"

	"github.com/modgw/modgw/modgw"
)

// site is a virtual host: names that reach the same apps.
type site struct {
	hosts []string           // sorted; empty: all that have no other site
	apps  []modgw.Descriptor // the one that is asked first comes first
}

// sitesOf makes the sites for apps: first that without names, which is the default, then exact names, then wildcards, the
// longer ones first, because Apache takes the first that fits.
func sitesOf(apps []modgw.Descriptor) []site {
	var names []string
	for _, d := range apps {
		names = append(names, d.Hosts...)
	}
	slices.SortFunc(names, bySpecificity)
	names = slices.Compact(names)

	var sites []site
	if anyHost := appsFor("", apps); len(anyHost) > 0 {
		sites = append(sites, site{apps: anyHost})
	}
	bySet := map[string]int{}
	for _, name := range names {
		s := site{hosts: []string{name}, apps: appsFor(name, apps)}
		key := set(s)
		if i, ok := bySet[key]; ok {
			sites[i].hosts = append(sites[i].hosts, name)
			continue
		}
		bySet[key] = len(sites)
		sites = append(sites, s)
	}
	return sites
}

// set names the apps of a site. Wildcards of different length stay apart, so that the order of sites is theirs.
func set(s site) string {
	var b strings.Builder
	if strings.HasPrefix(s.hosts[0], "*") {
		b.WriteString(s.hosts[0])
	}
	for _, d := range s.apps {
		b.WriteString("\x00" + string(d.Name))
	}
	return b.String()
}

// bySpecificity sorts exact names before wildcards and longer wildcards before shorter.
func bySpecificity(a, b string) int {
	wildA, wildB := strings.HasPrefix(a, "*"), strings.HasPrefix(b, "*")
	switch {
	case wildA != wildB && wildB:
		return -1
	case wildA != wildB:
		return 1
	case wildA && len(a) != len(b):
		return len(b) - len(a)
	}
	return strings.Compare(a, b)
}

// appsFor are the apps that host reaches, in the order in which the gateway asks them: those of that very name, of the
// longest wildcard, of any host; among each the longest mount. Apps that no request can reach are left out.
func appsFor(host string, apps []modgw.Descriptor) []modgw.Descriptor {
	type candidate struct {
		modgw.Descriptor
		rank int // length of the host that fits; the exact one longest
	}
	var candidates []candidate
	for _, d := range apps {
		if rank, ok := fits(host, d.Hosts); ok {
			candidates = append(candidates, candidate{d, rank})
		}
	}
	slices.SortStableFunc(candidates, func(a, b candidate) int {
		switch {
		case a.rank != b.rank:
			return b.rank - a.rank
		case len(a.Mount) != len(b.Mount):
			return len(b.Mount) - len(a.Mount)
		}
		return strings.Compare(string(a.Mount)+string(a.Name), string(b.Mount)+string(b.Name))
	})
	var reached []modgw.Descriptor
	for _, c := range candidates {
		if !slices.ContainsFunc(reached, func(d modgw.Descriptor) bool { return holds(d.Mount, c.Mount) }) {
			reached = append(reached, c.Descriptor)
		}
	}
	return reached
}

// fits reports whether one of an app's hosts stands for host, and how closely.
func fits(host string, hosts []string) (rank int, ok bool) {
	if len(hosts) == 0 {
		return 0, true
	}
	for _, h := range hosts {
		suffix, wild := strings.CutPrefix(h, "*")
		switch {
		case h == host:
			rank, ok = max(rank, len(h)+1000), true
		case wild && host != suffix && strings.HasSuffix(host, suffix):
			rank, ok = max(rank, len(h)), true
		}
	}
	return rank, ok
}

// holds reports whether every URL below mount is below outer too.
func holds(outer, mount modgw.MountPath) bool {
	return outer == "/" || outer == mount || strings.HasPrefix(string(mount), string(outer)+"/")
}

// serverName is a name that stands for host, which may be a wildcard.
func serverName(host string) string {
	if suffix, ok := strings.CutPrefix(host, "*"); ok {
		return "any" + suffix
	}
	return host
}
