package modgw

import (
	"math"
	"slices"
	"strings"
	"time"
)

// Site is a virtual host of a web server in front: names that reach the same apps.
type Site struct {
	Hosts []string     // exact names before wildcards; empty: all names that have no other site
	Apps  []Descriptor // the one that is asked first comes first
}

// Default reports whether the site has all names that no other has.
func (s Site) Default() bool { return len(s.Hosts) == 0 }

// SitesOf tells a web server in front how the gateway routes: first the site without names, which is the default, then
// exact names, then wildcards, the longer ones first, for servers that take the first that fits.
func SitesOf(apps []Descriptor) []Site {
	var names []string
	for _, d := range apps {
		names = append(names, d.Hosts...)
	}
	slices.SortFunc(names, bySpecificity)
	names = slices.Compact(names)

	var sites []Site
	if anyHost := AppsFor("", apps); len(anyHost) > 0 {
		sites = append(sites, Site{Apps: anyHost})
	}
	bySet := map[string]int{}
	for _, name := range names {
		s := Site{Hosts: []string{name}, Apps: AppsFor(name, apps)}
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

// appSet names the apps of a site. Wildcards of different length stay apart, so that the order of sites is theirs.
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

// AppsFor are the apps that host reaches, in the order in which the gateway asks them: those of that very name, of the
// longest wildcard, of any host; among each the longest mount. Apps that no request can reach are left out, and so are those
// that may not answer for a host of another user.
func AppsFor(host string, apps []Descriptor) []Descriptor {
	type candidate struct {
		Descriptor
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
	var reached []Descriptor
	for _, c := range candidates {
		others := func(o candidate) bool { return o.rank > c.rank && o.Owner != c.Owner }
		if c.Owner != "" && slices.ContainsFunc(candidates, others) {
			continue // the host is another user's
		}
		if !slices.ContainsFunc(reached, func(d Descriptor) bool { return holds(d.Mount, c.Mount) }) {
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
func holds(outer, mount MountPath) bool {
	return outer == "/" || outer == mount || strings.HasPrefix(string(mount), string(outer)+"/")
}

// Upgrades reports whether an app may speak WebSocket.
func (d Descriptor) Upgrades() bool {
	return d.Kind == KindASGI || d.Kind == KindHTTP || d.Kind == KindGo
}

// Patience is how many seconds a web server in front should wait for the app: longer than the host, whose answer says
// what the trouble is.
func (d Descriptor) Patience() int {
	if d.Timeouts.Request == 0 {
		return int((24 * time.Hour).Seconds())
	}
	whole := d.Timeouts.Startup + d.Queue.Timeout + d.Timeouts.Request
	return int(math.Ceil(whole.Seconds())) + 5
}

// UpgradePatience is Patience for a connection that may become a WebSocket, which is silent for long.
func (d Descriptor) UpgradePatience() int { return max(3600, d.Patience()) }
