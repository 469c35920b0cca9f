package unit

import (
	"fmt"
	"slices"
	"strings"

	"github.com/modgw/modgw/loader/migrate"
	"github.com/modgw/modgw/loader/migrate/pyapp"
)

// place is where an app is served.
type place struct {
	hosts []string
	mount string // "/" for all
	any   bool   // whether some route has no host
}

// share is a folder that is served below a path.
type share struct {
	node  *node
	url   string // without a slash at its end; empty for all
	dir   string
	hosts []string
}

// listeners follows each listener to the apps that it leads to.
func (r *reading) listeners() {
	r.wholes = map[string]*place{}
	all := r.top.get("listeners")
	if all == nil {
		return
	}
	for _, n := range all.inner {
		pass := n.get("pass")
		if pass == nil {
			pass = n.get("application") // Unit before 1.3
		}
		address := strings.Replace(n.key, "*:", "0.0.0.0:", 1)
		r.set(n, pyapp.Listener("http", address))
		r.setAll(n.get("tls"), pyapp.ByHand("let the web server in front, or a listen block with tls in the host's own file, have the certificate"))
		for _, key := range []string{"forwarded", "client_ip"} {
			r.setAll(n.get(key), pyapp.ByHand("set trusted_proxies of the host's own file to these addresses"))
		}
		r.set(n.get("backlog"), pyapp.NotNeeded("the host queues requests itself: see queue"))
		if pass == nil {
			continue
		}
		target := pass.text()
		if pass.key == "application" {
			target = "applications/" + target
		}
		r.follow(pass, target, address)
	}
	r.otherRoutes()
}

// follow leads a pass of a listener to an app, or through routes.
func (r *reading) follow(n *node, target string, address string) {
	switch kind, name, _ := strings.Cut(target, "/"); kind {
	case "applications":
		r.serve(n, name, nil, "/", address)
	case "routes":
		steps := r.top.get("routes")
		if name != "" {
			steps = steps.get(name)
		}
		if steps == nil || !steps.list {
			r.plan.Problem(r.at(n), "cannot find the routes %q", target)
			r.set(n, pyapp.ByHand("there are no such routes"))
			return
		}
		r.set(n, pyapp.Translated("the routes are followed"))
		r.steps(steps, address)
	default:
		r.set(n, pyapp.ByHand("let the web server in front pass these requests on: %s", target))
	}
}

// otherRoutes notes routes that no listener leads to.
func (r *reading) otherRoutes() {
	routes := r.top.get("routes")
	if routes == nil {
		return
	}
	unused := pyapp.NotNeeded("no listener leads to it")
	if routes.object {
		for _, one := range routes.inner {
			if !r.seen(one) {
				r.setAll(one, unused)
			}
		}
	} else if !r.seen(routes) {
		r.setAll(routes, unused)
	}
}

// seen reports whether anything in a node has an outcome.
func (r *reading) seen(n *node) bool {
	if _, ok := r.outcomes[n]; ok {
		return true
	}
	return slices.ContainsFunc(n.inner, r.seen)
}

// steps follows routes.
func (r *reading) steps(steps *node, address string) {
	var shares []share
	for _, step := range steps.inner {
		match, action := step.get("match"), step.get("action")
		hosts, urls, reason := r.match(match)
		if reason != "" {
			r.setAll(match, pyapp.ByHand("%s: write the rule into the web server in front", reason))
			r.setAll(action, pyapp.ByHand("%s: write the rule into the web server in front", reason))
			continue
		}
		shares = append(shares, r.action(action, hosts, urls, address, shares)...)
	}
	for _, s := range shares {
		if s.node != nil {
			r.static(s)
		}
	}
}

// match returns the hosts and paths of a step; none are all. The reason says what it has beside.
func (r *reading) match(n *node) (hosts, urls []string, reason string) {
	if n == nil {
		return nil, nil, ""
	}
	for _, one := range n.inner {
		for _, pattern := range one.texts() {
			if strings.HasPrefix(pattern, "!") || strings.HasPrefix(pattern, "~") {
				return nil, nil, fmt.Sprintf("%s %q has no place in a descriptor", one.key, pattern)
			}
		}
		switch one.key {
		case "host":
			for _, host := range one.texts() {
				host, _, _ = strings.Cut(host, ":")
				if strings.Contains(strings.TrimPrefix(host, "*."), "*") || host == "" {
					return nil, nil, fmt.Sprintf("host %q is no name of a host, nor *.NAME", host)
				}
				hosts = append(hosts, host)
			}
			r.set(one, pyapp.Translated("hosts = %q", hosts))
		case "uri":
			for _, pattern := range one.texts() {
				url := strings.TrimSuffix(strings.TrimSuffix(pattern, "*"), "/")
				if strings.Contains(url, "*") || !strings.HasPrefix(pattern, "/") && pattern != "*" {
					return nil, nil, fmt.Sprintf("uri %q is no path with * at its end", pattern)
				}
				urls = append(urls, url)
			}
		case "scheme", "method", "headers", "arguments", "cookies", "source", "destination", "query", "if":
			return nil, nil, "it matches by " + one.key
		}
	}
	if len(hosts) == 0 && n.get("host") != nil {
		return nil, nil, "it matches no host"
	}
	return hosts, urls, ""
}

// action follows the action of a step. It returns the folders that it serves; those of earlier
// steps that an app now has as aliases lose their node.
func (r *reading) action(n *node, hosts, urls []string, address string, before []share) (shares []share) {
	if n == nil {
		return nil
	}
	if pass := n.get("pass"); pass != nil {
		kind, name, _ := strings.Cut(pass.text(), "/")
		if kind != "applications" {
			r.follow(pass, pass.text(), address)
			return nil
		}
		if len(urls) == 0 {
			urls = []string{""}
		}
		for _, url := range urls {
			r.serve(pass, name, hosts, "/"+strings.Trim(url, "/"), address)
		}
		for i := range before {
			r.alias(&before[i], name)
		}
	}
	if folder := n.get("share"); folder != nil {
		shares = r.share(folder, hosts, urls)
	}
	if fallback := n.get("fallback"); fallback != nil {
		if pass := fallback.get("pass"); pass != nil && len(urls) > 0 {
			r.setAll(fallback, pyapp.ByHand("an alias answers 404 for files that are not there, and does not ask the app"))
		} else {
			r.action(fallback, hosts, urls, address, append(before, shares...))
		}
	}
	if status := n.get("return"); status != nil {
		location := n.get("location")
		out := pyapp.ByHand("answer these requests by the web server in front: return %s %s", status.text(), location.text())
		r.set(status, out)
		r.set(location, out)
	}
	for key, task := range map[string]string{
		"proxy": "let the web server in front pass these requests on: proxy_pass %s", "rewrite": "rewrite the path in the web server in front, or in the app: %s",
		"response_headers": "write the headers into the web server in front, or into the app%s", "types": "an alias serves all types of files%s",
		"chroot": "links in folders of an alias are followed only to files of the same owner: %s", "follow_symlinks": "links in folders of an alias are followed only to files of the same owner: %s",
		"traverse_mounts": "folders of an alias may have mounts in them: %s", "index": "set index of the alias to [%q]",
	} {
		if one := n.get(key); one != nil {
			text := one.text()
			if strings.HasSuffix(task, "%s") && !strings.Contains(task, ": ") {
				text = ""
			}
			r.setAll(one, pyapp.ByHand(task, text))
		}
	}
	return shares
}

// serve notes where an app is served.
func (r *reading) serve(n *node, name string, hosts []string, mount, address string) {
	a := r.apps[name]
	if a == nil {
		r.set(n, pyapp.ByHand("there is no app %q that could be read", name))
		return
	}
	r.set(n, pyapp.Translated("app %q", name))
	if !slices.ContainsFunc(a.Addresses, func(one pyapp.Address) bool { return one.Text == address }) {
		a.Addresses = append(a.Addresses, pyapp.Address{Text: address, Place: r.at(n)})
	}
	p := r.wholes[name]
	if p == nil {
		p = &place{mount: mount}
		r.wholes[name] = p
	}
	if mount == "/" || p.mount != mount {
		p.mount = common(p.mount, mount)
	}
	if hosts == nil {
		p.any = true
	}
	for _, host := range hosts {
		if !slices.Contains(p.hosts, host) {
			p.hosts = append(p.hosts, host)
		}
	}
}

// common is the path that two paths have in common, at whole segments.
func common(a, b string) string {
	for a != "/" && a != b && !strings.HasPrefix(b, a+"/") {
		if a = a[:strings.LastIndexByte(a, '/')]; a == "" {
			a = "/"
		}
	}
	return a
}

// share reads the folders of a step.
func (r *reading) share(n *node, hosts, urls []string) (shares []share) {
	list := n.texts()
	if len(list) > 1 {
		r.set(n, pyapp.ByHand("an alias has one folder: put the files of %s together", strings.Join(list, " and ")))
		return nil
	}
	if len(list) == 0 {
		return nil
	}
	if len(urls) == 0 {
		urls = []string{""}
	}
	for _, url := range urls {
		dir := strings.NewReplacer("${uri}", url, "$uri", url).Replace(list[0])
		if strings.Contains(dir, "$") {
			r.set(n, pyapp.ByHand("the folder depends on the request: name each by an alias block"))
			return nil
		}
		if !strings.Contains(list[0], "$") {
			// before Unit 1.26, which added the path itself
			dir = strings.TrimSuffix(list[0], "/") + url
		}
		shares = append(shares, share{n, url, strings.TrimSuffix(dir, "/"), hosts})
	}
	return shares
}

// alias gives a folder to an app that is served at the same hosts.
func (r *reading) alias(s *share, name string) {
	a, p := r.apps[name], r.wholes[name]
	if s.node == nil || a == nil || p == nil {
		return
	}
	url := s.url
	if p.mount != "/" {
		below, ok := strings.CutPrefix(url+"/", p.mount+"/")
		if !ok {
			return
		}
		url = "/" + strings.TrimSuffix(below, "/")
	}
	if url == "" || url == "/" {
		r.set(s.node, pyapp.ByHand("files in %s came before the app: name those that are public by alias blocks", migrate.Quote(s.dir)))
		s.node = nil
		return
	}
	argument := "dir"
	if last := url[strings.LastIndexByte(url, '/'):]; strings.Contains(last, ".") {
		argument = "file"
	}
	a.Alias(url, argument, s.dir)
	r.set(s.node, pyapp.Translated("alias %q { %s = %q } of app %q", url, argument, s.dir, name))
	s.node = nil
}

// static makes an app of a folder that no app stands behind.
func (r *reading) static(s share) {
	r.statics++
	name := fmt.Sprintf("static-%d", r.statics)
	a := &pyapp.App{Name: strings.Trim("static"+strings.ReplaceAll(s.url, "/", "-"), "-"), Place: r.at(s.node), Kind: pyapp.Static, Dir: s.dir}
	a.Set("kind.dir", s.dir)
	r.add(name, a)
	mount := s.url
	if mount == "" {
		mount = "/"
	}
	r.wholes[name] = &place{hosts: s.hosts, mount: mount, any: s.hosts == nil}
	r.set(s.node, pyapp.Translated("app %q with static { dir = %q }", a.Name, s.dir))
}

// write adds the apps to the plan, and says what their paths become.
func (r *reading) write() {
	for _, name := range r.order {
		a := r.apps[name]
		p := r.wholes[name]
		if p == nil {
			a.Note("No listener of Unit led to this app.")
			p = &place{mount: "/", any: true}
		}
		mount := p.mount
		if prefix := r.prefixes[name]; prefix != "" {
			mount = prefix
		}
		if mount != "/" {
			a.Set("mount", mount)
			if r.prefixes[name] == "" && a.Kind != pyapp.Static {
				a.Note(fmt.Sprintf("Unit gave the app whole paths, %s among them. As a mount it is in SCRIPT_NAME: take it off the app's own URLs.", mount))
			}
		}
		if len(p.hosts) > 0 && !p.any {
			a.Set("hosts", p.hosts)
		}
		a.Write(r.plan)
	}
	r.uris()
}

// uris notes the outcome of paths in routes.
func (r *reading) uris() {
	var visit func(n *node)
	visit = func(n *node) {
		for _, inner := range n.inner {
			if inner.key == "uri" && !inner.object {
				r.set(inner, pyapp.Translated("the mount of an app, or the path of an alias"))
			}
			visit(inner)
		}
	}
	if routes := r.top.get("routes"); routes != nil {
		visit(routes)
	}
}
