package unit

import (
	"path"
	"slices"
	"strings"

	"github.com/modgw/modgw/internal/lazyregexp"
	"github.com/modgw/modgw/loader/migrate/pyapp"
)

// applications reads the apps.
func (r *reading) applications() {
	r.prefixes = map[string]string{}
	all := r.top.get("applications")
	if all == nil {
		return
	}
	for _, n := range all.inner {
		a := &pyapp.App{Name: n.key, Place: r.at(n), System: true}
		if path.IsAbs(r.source.Path) {
			a.Beside = path.Dir(r.source.Path)
		}
		kind, version, _ := strings.Cut(strings.TrimSpace(n.get("type").text()), " ")
		r.process(n, a)
		switch {
		case strings.HasPrefix(kind, "python"):
			r.python(n, a, strings.TrimPrefix(kind, "python")+version)
		case kind == "php":
			r.php(n, a)
		case kind == "external" || kind == "go":
			r.external(n, a)
		case kind == "perl" || kind == "ruby":
			r.script(n, a, kind)
		default:
			r.setAll(n, pyapp.ByHand("the host does not run apps of type %s: run it by a program of its own in an http block", n.get("type").text()))
			continue
		}
	}
}

// add remembers an app under the name that pass has for it.
func (r *reading) add(name string, a *pyapp.App) {
	r.apps[name] = a
	r.order = append(r.order, name)
}

// process reads the options that all types have.
func (r *reading) process(n *node, a *pyapp.App) {
	apply := func(key string, rule pyapp.Rule) {
		if one := n.get(key); one != nil {
			r.set(one, rule(a, pyapp.Option{Value: one.text()}))
		}
	}
	apply("working_directory", pyapp.Chdir)
	apply("user", pyapp.Account("user"))
	apply("group", pyapp.Account("group"))
	apply("threads", pyapp.Count("kind.threads", 1024))
	apply("thread_stack_size", pyapp.Size("limits.stack", 1))
	for _, key := range []string{"stdout", "stderr"} {
		r.set(n.get(key), pyapp.NotNeeded("the host keeps the logs of its apps: modgw-host logs shows them"))
	}
	r.setAll(n.get("isolation"), pyapp.ByHand("the host has no namespaces and no chroot of its own: use a container, or set limits and user"))
	if environment := n.get("environment"); environment != nil {
		for _, v := range environment.inner {
			r.set(v, a.SetEnv(v.key, v.text()))
		}
	}
	limits := n.get("limits")
	if timeout := limits.get("timeout"); timeout != nil {
		r.set(timeout, pyapp.Seconds("timeouts.request", "")(a, pyapp.Option{Value: timeout.text()}))
	}
	if requests := limits.get("requests"); requests != nil {
		r.set(requests, pyapp.Count("recycle.requests", 2147483647)(a, pyapp.Option{Value: requests.text()}))
	}
	r.set(limits.get("shm"), pyapp.NotNeeded("the host sizes the memory that it shares with workers itself"))
	r.set(limits.get("reschedule_timeout"), pyapp.NotNeeded("queue.timeout says how long a request waits"))
	r.processes(n.get("processes"), a)
	if old := n.get("workers"); old != nil { // Unit before 1.0
		r.processes(old, a)
	}
}

// processes reads how many processes there are: a number, or an object.
func (r *reading) processes(n *node, a *pyapp.App) {
	if n == nil {
		return
	}
	count := pyapp.Count("kind.workers", 1024)
	if !n.object {
		r.set(n, count(a, pyapp.Option{Value: n.text()}))
		return
	}
	if most := n.get("max"); most != nil {
		r.set(most, count(a, pyapp.Option{Value: most.text()}))
	}
	spare, idle := n.get("spare"), n.get("idle_timeout")
	if spare.text() == "0" {
		a.Set("idle.start", "on-demand")
		r.set(spare, pyapp.Translated("idle.start = \"on-demand\""))
		if idle != nil {
			r.set(idle, pyapp.Seconds("idle.stop_after", "")(a, pyapp.Option{Value: idle.text()}))
		} else {
			pyapp.Seconds("idle.stop_after", "")(a, pyapp.Option{Value: "15"})
		}
		return
	}
	r.set(spare, pyapp.NotNeeded("the host keeps all workers of an app that is used"))
	r.set(idle, pyapp.NotNeeded("the host keeps all workers of an app that is used"))
}

// python reads an app of Python, or several when it has targets.
func (r *reading) python(n *node, a *pyapp.App, version string) {
	if home := n.get("home"); home != nil {
		r.set(home, pyapp.Venv(a, pyapp.Option{Value: home.text()}))
	}
	switch {
	case strings.HasPrefix(version, "2"):
		r.set(n.get("type"), pyapp.ByHand("the app asks for Python 2, which the host does not run: port it, or run it by a program of its own in an http block"))
	case a.Venv == "" && strings.Contains(version, "."):
		a.Version = version
		r.set(n.get("type"), pyapp.Translated("python.version = %q", version))
	case a.Venv != "":
		r.set(n.get("type"), pyapp.NotNeeded("the virtual environment has its Python"))
	default:
		r.set(n.get("type"), pyapp.Translated("the kind of the app"))
	}
	if a.Get("kind.workers") == nil {
		a.Set("kind.workers", 1)
	}
	if a.Get("kind.threads") == nil {
		a.Set("kind.threads", 1)
	}
	r.modulePath(n, a)
	targets := n.get("targets")
	if targets == nil {
		r.entry(n, n, a, n.key)
		return
	}
	for _, target := range targets.inner {
		one := a.Clone()
		one.Name, one.Place = n.key+"-"+target.key, r.at(target)
		r.modulePath(target, one)
		r.entry(n, target, one, n.key+"/"+target.key)
	}
}

// modulePath reads the folders of modules, the first of which is the app's own.
func (r *reading) modulePath(n *node, a *pyapp.App) {
	paths := n.get("path")
	if paths == nil {
		return
	}
	var dirs []string
	for _, dir := range paths.texts() {
		dir = a.Absolute(dir)
		dirs = append(dirs, dir)
		if venv, ok := pyapp.VenvOf(dir); a.Dir == "" && !ok && (path.IsAbs(dir) || venv == "") {
			a.Dir = strings.TrimSuffix(dir, "/")
			continue
		}
		a.Path = append(a.Path, strings.TrimSuffix(dir, "/"))
	}
	if len(a.Path) == 0 {
		r.set(paths, pyapp.Translated("root = %q", a.Dir))
		return
	}
	r.set(paths, pyapp.Translated("python.path, or root, of %q", dirs))
}

// entry reads what says which app it is. whole is the app around a target.
func (r *reading) entry(whole, n *node, a *pyapp.App, name string) {
	module, callable := n.get("module").text(), n.get("callable").text()
	if module == "" && n.get("module") == nil {
		r.plan.Problem(r.at(n), "cannot find the module of the app %q", name)
		return
	}
	r.set(n.get("module"), pyapp.Translated("entry"))
	r.set(n.get("callable"), pyapp.Translated("the callable of entry"))
	if callable == "" {
		callable = "application"
	}
	if factory := n.get("factory"); factory != nil {
		if factory.text() == "true" {
			callable += "()"
		}
		r.set(factory, pyapp.Translated("entry, with () for a factory"))
	}
	a.Entry = module + ":" + callable
	if prefix := n.get("prefix"); prefix != nil {
		r.prefixes[name] = "/" + strings.Trim(prefix.text(), "/")
		r.set(prefix, pyapp.Translated("mount = %q", r.prefixes[name]))
	}
	protocol := whole.get("protocol")
	switch protocol.text() {
	case "asgi", "wsgi":
		a.Kind = protocol.text()
		r.set(protocol, pyapp.Translated("%s { }", a.Kind))
	default:
		a.Kind = r.protocolOf(a, module)
		if a.Kind == "" {
			a.Kind = pyapp.WSGI
			a.Note("Unit found out whether this is a WSGI or an ASGI app. It is taken for WSGI; use asgi for the other.")
		}
	}
	r.add(name, a)
}

var (
	asgiApp = lazyregexp.New(`\b(?:FastAPI|Starlette|Quart|Litestar|BlackSheep|Sanic)\s*\(|get_asgi_application|async def \w+\(\s*scope`)
	wsgiApp = lazyregexp.New(`\b(?:Flask|Bottle)\s*\(|get_wsgi_application|def \w+\(\s*env\w*\s*,\s*start_response|\bWSGIHandler`)
)

// protocolOf looks into the app's module for the framework, as Unit looked at the callable. It
// returns "" when that says nothing.
func (r *reading) protocolOf(a *pyapp.App, module string) string {
	file := strings.ReplaceAll(module, ".", "/")
	for _, dir := range append([]string{a.Dir}, a.Path...) {
		if dir == "" {
			continue
		}
		for _, name := range []string{file + ".py", file + "/__init__.py"} {
			if !r.plan.Files.Exists(path.Join(dir, name)) {
				continue
			}
			s, err := r.plan.Files.Read(path.Join(dir, name))
			if err != nil {
				return ""
			}
			switch {
			case asgiApp.MatchString(s.Text):
				return pyapp.ASGI
			case wsgiApp.MatchString(s.Text):
				return pyapp.WSGI
			}
			return ""
		}
	}
	parts := strings.Split(module, ".")
	switch {
	case slices.Contains(parts, "asgi"):
		return pyapp.ASGI
	case slices.Contains(parts, "wsgi"):
		return pyapp.WSGI
	}
	return ""
}

func (r *reading) php(n *node, a *pyapp.App) {
	a.Kind = pyapp.PHP
	a.Set("kind.command", []string{"php-cgi"})
	r.set(n.get("type"), pyapp.Translated("fastcgi { command = [\"php-cgi\"] }"))
	if options := n.get("options"); options != nil {
		ini := map[string]string{}
		for _, group := range options.inner {
			if !group.object {
				r.set(group, pyapp.ByHand("php-cgi reads its own php.ini: set php_ini to what is in %s", group.text()))
				continue
			}
			for _, one := range group.inner {
				ini[one.key] = one.text()
				r.set(one, pyapp.Translated("fastcgi.php_ini"))
			}
		}
		if len(ini) > 0 {
			a.Set("kind.php_ini", ini)
		}
	}
	targets := n.get("targets")
	if targets == nil {
		r.phpTarget(n, a, n.key)
		return
	}
	for _, target := range targets.inner {
		one := a.Clone()
		one.Name, one.Place = n.key+"-"+target.key, r.at(target)
		r.phpTarget(target, one, n.key+"/"+target.key)
	}
}

func (r *reading) phpTarget(n *node, a *pyapp.App, name string) {
	if root := n.get("root"); root != nil {
		a.Set("kind.script_root", a.Absolute(root.text()))
		if a.Dir == "" {
			a.Dir = a.Absolute(root.text())
		}
		r.set(root, pyapp.Translated("fastcgi.script_root"))
	}
	for _, key := range []string{"index", "script"} {
		if one := n.get(key); one != nil {
			a.Set("kind.index", one.text())
			r.set(one, pyapp.Translated("fastcgi.index = %q", one.text()))
		}
	}
	r.add(name, a)
}

// external reads a program that is linked with Unit's library.
func (r *reading) external(n *node, a *pyapp.App) {
	a.Kind = pyapp.HTTP
	command := append([]string{a.Absolute(n.get("executable").text())}, n.get("arguments").texts()...)
	a.Set("kind.command", command)
	r.set(n.get("type"), pyapp.ByHand("the program speaks to Unit by its library: let it serve HTTP on the port in the variable PORT instead"))
	r.set(n.get("executable"), pyapp.Translated("http.command"))
	r.set(n.get("arguments"), pyapp.Translated("http.command"))
	if a.Dir == "" {
		a.Dir = path.Dir(command[0])
	}
	r.add(n.key, a)
}

// script reads an app of Perl or Ruby, which a server of its language runs.
func (r *reading) script(n *node, a *pyapp.App, kind string) {
	a.Kind = pyapp.HTTP
	server := map[string]string{"perl": "plackup", "ruby": "rackup"}[kind]
	file := a.Absolute(n.get("script").text())
	a.Set("kind.command", []string{server, "--host", "127.0.0.1", "--port", "$PORT", file})
	if a.Dir == "" {
		a.Dir = path.Dir(file)
	}
	r.set(n.get("type"), pyapp.Translated("http { command } with %s, which must be installed", server))
	r.set(n.get("script"), pyapp.Translated("http.command"))
	r.set(n.get("hooks"), pyapp.ByHand("call the hooks in the script"))
	r.add(n.key, a)
}
