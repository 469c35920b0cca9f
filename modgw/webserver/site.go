package webserver

import (
	"slices"
	"strings"

	"github.com/modgw/modgw/modgw"
)

// Site is a virtual host: names that reach the same apps.
type Site struct {
	Hosts []string           // exact names before wildcards; empty: all names of no other site
	Apps  []modgw.Descriptor // the one that is asked first comes first
}

// Default reports whether the site has all names that no other has.
func (s Site) Default() bool { return len(s.Hosts) == 0 }

// Sites returns the virtual hosts as the gateway routes: first the site without names, which is the
// default, then exact names, then wildcards, the longer ones first, for servers that take the first
// that fits.
func Sites(apps []modgw.Descriptor) []Site {
	var names []string
	for _, d := range apps {
		names = append(names, d.Hosts...)
	}
	slices.SortFunc(names, bySpecificity)
	names = slices.Compact(names)

	var sites []Site
	if anyHost := Apps("", apps); len(anyHost) > 0 {
		sites = append(sites, Site{Apps: anyHost})
	}
	bySet := map[string]int{}
	for _, name := range names {
		s := Site{Hosts: []string{name}, Apps: Apps(name, apps)}
		key := appSet(s)
		if i, ok := bySet[key]; ok {
			sites[i].Hosts = append(sites[i].Hosts, name)
			continue
		}
		bySet[key] = len(sites)
		sites = append(sites, s)
	}
	return sites
}

// appSet names the apps of a site. Wildcards of different length stay apart, so that the order of
// sites is theirs.
func appSet(s Site) string {
	var b strings.Builder
	if strings.HasPrefix(s.Hosts[0], "*") {
		b.WriteString(s.Hosts[0])
	}
	for _, d := range s.Apps {
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

// Apps returns the apps that host reaches, in the order in which the gateway asks them: those of
// that very name, of the longest wildcard, of any host; among each the longest mount. Apps that no
// request can reach are left out, and so are those that may not answer for a host of another user.
func Apps(host string, apps []modgw.Descriptor) []modgw.Descriptor {
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
		case (a.MountMatch == "") != (b.MountMatch == ""):
			return len(b.MountMatch) - len(a.MountMatch)
		}
		return strings.Compare(string(a.Mount)+string(a.Name), string(b.Mount)+string(b.Name))
	})
	var reached []modgw.Descriptor
	for _, c := range candidates {
		others := func(o candidate) bool { return o.rank > c.rank && o.Owner != c.Owner }
		if c.Owner != "" && slices.ContainsFunc(candidates, others) {
			continue // the host is another user's
		}
		if !slices.ContainsFunc(reached, func(d modgw.Descriptor) bool { return Holds(d, c.Mount) }) {
			reached = append(reached, c.Descriptor)
		}
	}
	return reached
}

// fits reports whether one of an app's hosts matches host, and how closely.
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

// Holds reports whether an app answers every URL below mount that no other app does.
func Holds(d modgw.Descriptor, mount modgw.MountPath) bool {
	return d.MountMatch == "" && IsBelow(mount, d.Mount)
}

// IsBelow reports whether every URL below mount is below outer too.
func IsBelow(mount, outer modgw.MountPath) bool {
	return outer == "/" || outer == mount || strings.HasPrefix(string(mount), string(outer)+"/")
}
