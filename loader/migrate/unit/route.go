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
	node  *migrate.JSON
	url   string // without a slash at its end; empty for all
	dir   string
	hosts []string
}

// listeners follows each listener to the apps that it leads to.
func (r *reading) listeners() {
	r.wholes = map[string]*place{}
	all := r.top.Get("listeners")
	if all == nil {
		return
	}
	for _, n := range all.Inner {
		pass := n.Get("pass")
		if pass == nil {
			pass = n.Get("application") // Unit before 1.3
		}
		address := strings.Replace(n.Key, "*:", "0.0.0.0:", 1)
		r.set(n, pyapp.Listener("http", address))
		r.setAll(n.Get("tls"), pyapp.ByHand("let the web server in front, or a listen block with tls in the host's own file, have the certificate"))
		for _, key := range []string{"forwarded", "client_ip"} {
			r.setAll(n.Get(key), pyapp.ByHand("set trusted_proxies of the host's own file to these addresses"))
		}
		r.set(n.Get("backlog"), pyapp.NotNeeded("the host queues requests itself: see queue"))
		if pass == nil {
			continue
		}
		target := pass.Text()
		if pass.Key == "application" {
			target = "applications/" + target
		}
		r.follow(pass, target, address)
	}
	r.otherRoutes()
}

// follow leads a pass of a listener to an app, or through routes.
func (r *reading) follow(n *migrate.JSON, target string, address string) {
	switch kind, name, _ := strings.Cut(target, "/"); kind {
	case "applications":
		r.serve(n, name, nil, "/", address)
	case "routes":
		steps := r.top.Get("routes")
		if name != "" {
			steps = steps.Get(name)
		}
		if steps == nil || steps.Kind != migrate.List {
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
	routes := r.top.Get("routes")
	if routes == nil {
		return
	}
	unused := pyapp.NotNeeded("no listener leads to it")
	if routes.Kind == migrate.Object {
		for _, one := range routes.Inner {
			if !r.seen(one) {
				r.setAll(one, unused)
			}
		}
	} else if !r.seen(routes) {
		r.setAll(routes, unused)
	}
}

// seen reports whether anything in a node has an outcome.
func (r *reading) seen(n *migrate.JSON) bool {
	if _, ok := r.outcomes[n]; ok {
		return true
	}
	return slices.ContainsFunc(n.Inner, r.seen)
}

// steps follows routes.
func (r *reading) steps(steps *migrate.JSON, address string) {
	var shares []share
	for _, step := range steps.Inner {
		match, action := step.Get("match"), step.Get("action")
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

// match returns the hosts and paths of a step; none means all. The reason names other conditions.
func (r *reading) match(n *migrate.JSON) (hosts, urls []string, reason string) {
	if n == nil {
		return nil, nil, ""
	}
	for _, one := range n.Inner {
		for _, pattern := range one.Texts() {
			if strings.HasPrefix(pattern, "!") || strings.HasPrefix(pattern, "~") {
				return nil, nil, fmt.Sprintf("%s %q has no place in a descriptor", one.Key, pattern)
			}
		}
		switch one.Key {
		case "host":
			for _, host := range one.Texts() {
				host, _, _ = strings.Cut(host, ":")
				if strings.Contains(strings.TrimPrefix(host, "*."), "*") || host == "" {
					return nil, nil, fmt.Sprintf("host %q is no name of a host, nor *.NAME", host)
				}
				hosts = append(hosts, host)
			}
			r.set(one, pyapp.Translated("hosts = %q", hosts))
		case "uri":
			for _, pattern := range one.Texts() {
				url := strings.TrimSuffix(strings.TrimSuffix(pattern, "*"), "/")
				if strings.Contains(url, "*") || !strings.HasPrefix(pattern, "/") && pattern != "*" {
					return nil, nil, fmt.Sprintf("uri %q is no path with * at its end", pattern)
				}
				urls = append(urls, url)
			}
		case "scheme", "method", "headers", "arguments", "cookies", "source", "destination", "query", "if":
			return nil, nil, "it matches by " + one.Key
		}
	}
	if len(hosts) == 0 && n.Get("host") != nil {
		return nil, nil, "it matches no host"
	}
	return hosts, urls, ""
}

// action follows the action of a step. It returns the folders that it serves; those of earlier
// steps that an app now has as aliases lose their node.
func (r *reading) action(n *migrate.JSON, hosts, urls []string, address string, before []share) (shares []share) {
	if n == nil {
		return nil
	}
	if pass := n.Get("pass"); pass != nil {
		kind, name, _ := strings.Cut(pass.Text(), "/")
		if kind != "applications" {
			r.follow(pass, pass.Text(), address)
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
	if folder := n.Get("share"); folder != nil {
		shares = r.share(folder, hosts, urls)
	}
	if fallback := n.Get("fallback"); fallback != nil {
		if pass := fallback.Get("pass"); pass != nil && len(urls) > 0 {
			r.setAll(fallback, pyapp.ByHand("an alias answers 404 for files that are not there, and does not ask the app"))
		} else {
			r.action(fallback, hosts, urls, address, append(before, shares...))
		}
	}
	if status := n.Get("return"); status != nil {
		location := n.Get("location")
		out := pyapp.ByHand("answer these requests by the web server in front: return %s %s", status.Text(), location.Text())
		r.set(status, out)
		r.set(location, out)
	}
	for key, task := range map[string]string{
		"proxy": "let the web server in front pass these requests on: proxy_pass %s", "rewrite": "rewrite the path in the web server in front, or in the app: %s",
		"response_headers": "write the headers into the web server in front, or into the app%s", "types": "an alias serves all types of files%s",
		"chroot": "links in folders of an alias are followed only to files of the same owner: %s", "follow_symlinks": "links in folders of an alias are followed only to files of the same owner: %s",
		"traverse_mounts": "folders of an alias may have mounts in them: %s", "index": "set index of the alias to [%q]",
	} {
		if one := n.Get(key); one != nil {
			text := one.Text()
			if strings.HasSuffix(task, "%s") && !strings.Contains(task, ": ") {
				text = ""
			}
			r.setAll(one, pyapp.ByHand(task, text))
		}
	}
	return shares
}

// serve notes where an app is served.
func (r *reading) serve(n *migrate.JSON, name string, hosts []string, mount, address string) {
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
func (r *reading) share(n *migrate.JSON, hosts, urls []string) (shares []share) {
	list := n.Texts()
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

// static makes an app of a folder without an app.
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

// write adds the apps to the plan, and notes the outcomes of their paths.
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
	var visit func(n *migrate.JSON)
	visit = func(n *migrate.JSON) {
		for _, inner := range n.Inner {
			if inner.Key == "uri" && inner.Kind != migrate.Object {
				r.set(inner, pyapp.Translated("the mount of an app, or the path of an alias"))
			}
			visit(inner)
		}
	}
	if routes := r.top.Get("routes"); routes != nil {
		visit(routes)
	}
}
