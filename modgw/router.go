package modgw

import (
	"iter"
	"net/http"
	"slices"
	"strings"
)

// routes maps hosts and paths to apps. It is never changed, only replaced, so that the request path
// reads it without a lock.
type routes struct {
	byName    map[AppName]*route
	exact     map[string]*virtualHost // by host
	wildcard  map[string]*virtualHost // by the part after the "*": ".example.com"
	anyHost   *virtualHost
	wildcards bool
}

// route is where an app answers.
type route struct {
	app *App
	mounting
	owner string
	next  *route // is asked when this one does not answer; nil: none has the same mount
}

// virtualHost has the apps of one host pattern. The longest mount that holds a path is found by
// walking up the path, so the cost does not grow with the number of apps.
type virtualHost struct {
	mounts map[MountPath]*route
	owner  string // owner of the first app
	shared bool   // by apps of several owners
}

// newRoutes makes the table for apps. If two apps have the same host and mount, the one with a
// generation answers: the other waits for its place.
func newRoutes(apps map[AppName]*App) *routes {
	t := &routes{
		byName:   make(map[AppName]*route, len(apps)),
		exact:    map[string]*virtualHost{},
		wildcard: map[string]*virtualHost{},
		anyHost:  &virtualHost{},
	}
	for name, app := range apps {
		d := app.descriptor()
		here := route{app: app, mounting: mountingOf(d), owner: d.Owner}
		t.byName[name] = &here
		if len(d.Hosts) == 0 {
			t.anyHost.add(here)
		}
		for _, host := range d.Hosts {
			if suffix, ok := strings.CutPrefix(host, "*"); ok {
				addTo(t.wildcard, suffix, here)
			} else {
				addTo(t.exact, host, here)
			}
		}
	}
	t.wildcards = len(t.wildcard) > 0
	return t
}

func addTo(table map[string]*virtualHost, host string, here route) {
	if table[host] == nil {
		table[host] = &virtualHost{}
	}
	table[host].add(here)
}

func (v *virtualHost) add(here route) {
	if v.mounts == nil {
		v.mounts, v.owner = map[MountPath]*route{}, here.owner
	}
	v.shared = v.shared || v.owner != here.owner
	v.mounts[here.mount] = v.mounts[here.mount].insert(&here)
}

// insert adds a place to those of the same mount, and returns the first of them.
func (p *route) insert(here *route) *route {
	if p == nil || here.goesBefore(p) {
		here.next = p
		return here
	}
	p.next = p.next.insert(here)
	return p
}

// goesBefore orders places of the same mount: those that answer some paths only come first.
func (p *route) goesBefore(other *route) bool {
	if (p.match != nil) != (other.match != nil) {
		return p.match != nil
	}
	return p.app.goesBefore(other.app)
}

// answering is the first of the places of one mount that answers for a path and may answer for the
// hosts that were passed; nil if none does.
func (p *route) answering(path string, passed []*virtualHost) *route {
	for ; p != nil; p = p.next {
		if !p.mayAnswerFor(passed) {
			continue
		}
		if p.match == nil {
			return p
		}
		if _, _, ok := p.split(path); ok {
			return p
		}
	}
	return nil
}

// goesBefore orders apps that are on the same host and mount.
func (a *App) goesBefore(other *App) bool {
	serves, otherServes := a.current.Load() != nil, other.current.Load() != nil
	if serves != otherServes {
		return serves
	}
	return a.name < other.name
}

// route returns the route of the app that the front named, or else find's; nil if no app answers.
func (t *routes) route(r *http.Request, info *RequestInfo) *route {
	if info.App != "" {
		return t.byName[info.App]
	}
	return t.find(r.Host, info.Path)
}

// find returns the place for a host and a path. An exact host takes precedence over a wildcard, a
// longer wildcard over a shorter one, and those over the apps of any host; among each, the longest
// mount wins. It is nil if no app answers. The comparison is byte by byte; only hosts ignore case
// (RFC 3986 section 3.2.2).
//
// A request that no app of its host answers may reach less specific ones only of the same user or
// of the host's own user: a user's wildcard, or app for any host, gets no request for a host of
// another user.
func (t *routes) find(host, path string) *route {
	host = hostName(host)
	var passed []*virtualHost
	for v := range t.matching(host) {
		if here := v.find(path, passed); here != nil {
			return here
		}
		passed = append(passed, v)
	}
	return t.anyHost.find(path, passed)
}

// names reports whether an app names a host, be it by a wildcard.
func (t *routes) names(host string) bool {
	for range t.matching(hostName(host)) {
		return true
	}
	return false
}

// matching yields the entries that match a host, the most specific first.
func (t *routes) matching(host string) iter.Seq[*virtualHost] {
	return func(yield func(*virtualHost) bool) {
		if v := t.exact[host]; v != nil && !yield(v) || !t.wildcards {
			return
		}
		for dot := strings.IndexByte(host, '.'); dot >= 0; {
			if v := t.wildcard[host[dot:]]; v != nil && !yield(v) {
				return
			}
			next := strings.IndexByte(host[dot+1:], '.')
			if next < 0 {
				return
			}
			dot += 1 + next
		}
	}
}

// find is the place of the longest mount whose app may answer for the hosts that were passed.
func (v *virtualHost) find(path string, passed []*virtualHost) *route {
	if len(v.mounts) == 0 || !strings.HasPrefix(path, "/") {
		return nil
	}
	for end := len(path); end > 0; end = strings.LastIndexByte(path[:end], '/') {
		if here := v.mounts[MountPath(path[:end])].answering(path, passed); here != nil {
			return here
		}
	}
	return v.mounts["/"].answering(path, passed)
}

// mayAnswerFor reports whether the app's user may have requests for hosts that other apps name more
// closely.
func (p *route) mayAnswerFor(hosts []*virtualHost) bool {
	return p.owner == "" || !slices.ContainsFunc(hosts, func(v *virtualHost) bool { return v.shared || v.owner != p.owner })
}

// hostName is a Host header as descriptors write it: without port and final dot, in lower case.
func hostName(host string) string {
	name, _ := SplitHost(host)
	return strings.ToLower(strings.TrimSuffix(name, "."))
}
