package modgw

import "strings"

// routes says which app answers which host and path. It is never changed, only replaced, so that the request path reads
// it without a lock.
type routes struct {
	byName    map[AppName]*place
	exact     map[string]mounts // by host
	wildcard  map[string]mounts // by what follows the "*": ".example.com"
	anyHost   mounts
	wildcards bool
}

// place is where an app answers.
type place struct {
	app   *App
	mount MountPath
}

// mounts are the apps of one host. The longest mount that holds a path is found by walking up the path, so the cost
// does not grow with the number of apps.
type mounts map[MountPath]*place

// newRoutes makes the table for apps. Two apps on the same host and mount are the caller's to prevent: the later wins.
func newRoutes(apps map[AppName]*App) *routes {
	t := &routes{
		byName:   make(map[AppName]*place, len(apps)),
		exact:    map[string]mounts{},
		wildcard: map[string]mounts{},
		anyHost:  mounts{},
	}
	for name, app := range apps {
		d := app.descriptor()
		here := &place{app, d.Mount}
		t.byName[name] = here
		if len(d.Hosts) == 0 {
			t.anyHost[d.Mount] = here
		}
		for _, host := range d.Hosts {
			if suffix, ok := strings.CutPrefix(host, "*"); ok {
				add(t.wildcard, suffix, here)
			} else {
				add(t.exact, host, here)
			}
		}
	}
	t.wildcards = len(t.wildcard) > 0
	return t
}

func add(table map[string]mounts, host string, here *place) {
	if table[host] == nil {
		table[host] = mounts{}
	}
	table[host][here.mount] = here
}

// find returns the place for a host and a path: the one of that very host before one of a wildcard, the longer wildcard
// before the shorter, those before the apps of any host, and among each the longest mount. It is nil where nobody
// answers. The comparison is byte by byte; case is folded for hosts alone (RFC 3986 section 3.2.2).
func (t *routes) find(host, path string) *place {
	host = hostName(host)
	if here := t.exact[host].find(path); here != nil {
		return here
	}
	if t.wildcards {
		for dot := strings.IndexByte(host, '.'); dot >= 0; {
			if here := t.wildcard[host[dot:]].find(path); here != nil {
				return here
			}
			next := strings.IndexByte(host[dot+1:], '.')
			if next < 0 {
				break
			}
			dot += 1 + next
		}
	}
	return t.anyHost.find(path)
}

// names reports whether an app names a host, be it by a wildcard.
func (t *routes) names(host string) bool {
	host = hostName(host)
	if t.exact[host] != nil {
		return true
	}
	for dot := strings.IndexByte(host, '.'); dot >= 0; {
		if t.wildcard[host[dot:]] != nil {
			return true
		}
		next := strings.IndexByte(host[dot+1:], '.')
		if next < 0 {
			break
		}
		dot += 1 + next
	}
	return false
}

func (m mounts) find(path string) *place {
	if len(m) == 0 || !strings.HasPrefix(path, "/") {
		return nil
	}
	for end := len(path); end > 0; end = strings.LastIndexByte(path[:end], '/') {
		if here := m[MountPath(path[:end])]; here != nil {
			return here
		}
	}
	return m["/"]
}

// split divides path at the mount: SCRIPT_NAME and PATH_INFO (RFC 3875 sections 4.1.13 and 4.1.5). ok is false when the
// path is not below the mount.
func (m MountPath) split(path string) (scriptName, pathInfo string, ok bool) {
	if m == "/" {
		return "", path, path == "" || path[0] == '/'
	}
	rest, found := strings.CutPrefix(path, string(m))
	if !found || (rest != "" && rest[0] != '/') {
		return "", "", false
	}
	return string(m), rest, true
}

// hostName is a Host header as descriptors write it: without port and final dot, in lower case.
func hostName(host string) string {
	if i := strings.LastIndexByte(host, ':'); i >= 0 && strings.IndexByte(host[i:], ']') < 0 {
		host = host[:i]
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// sharesRoute reports whether some request would fit the app and d equally well.
func (a *App) sharesRoute(d *Descriptor) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return shareRoute(&a.routed, d)
}

func shareRoute(a, b *Descriptor) bool {
	if a.Mount != b.Mount {
		return false
	}
	if len(a.Hosts) == 0 || len(b.Hosts) == 0 {
		return len(a.Hosts) == len(b.Hosts)
	}
	for _, x := range a.Hosts {
		for _, y := range b.Hosts {
			if x == y {
				return true
			}
		}
	}
	return false
}
