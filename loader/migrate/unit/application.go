package unit

import (
	"path"
	"slices"
	"strings"

	"github.com/modgw/modgw/internal/lazyregexp"
	"github.com/modgw/modgw/loader/migrate"
	"github.com/modgw/modgw/loader/migrate/pyapp"
)

// applications reads the apps.
func (r *reading) applications() {
	r.prefixes = map[string]string{}
	all := r.top.Get("applications")
	if all == nil {
		return
	}
	for _, n := range all.Inner {
		a := &pyapp.App{Name: n.Key, Place: r.at(n), System: true}
		if path.IsAbs(r.source.Path) {
			a.Beside = path.Dir(r.source.Path)
		}
		kind, version, _ := strings.Cut(strings.TrimSpace(n.Get("type").Text()), " ")
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
			r.setAll(n, pyapp.ByHand("the host does not run apps of type %s: run it by a program of its own in an http block", n.Get("type").Text()))
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
func (r *reading) process(n *migrate.JSON, a *pyapp.App) {
	r.apply(n.Get("working_directory"), a, pyapp.Chdir)
	r.apply(n.Get("user"), a, pyapp.Account("user"))
	r.apply(n.Get("group"), a, pyapp.Account("group"))
	r.apply(n.Get("threads"), a, pyapp.Count("kind.threads", 1024))
	r.apply(n.Get("thread_stack_size"), a, pyapp.Size("limits.stack", 1))
	for _, key := range []string{"stdout", "stderr"} {
		r.set(n.Get(key), pyapp.NotNeeded("the host keeps the logs of its apps: modgw-host logs shows them"))
	}
	r.setAll(n.Get("isolation"), pyapp.ByHand("the host has no namespaces and no chroot of its own: use a container, or set limits and user"))
	if environment := n.Get("environment"); environment != nil {
		for _, v := range environment.Inner {
			r.set(v, a.SetEnv(v.Key, v.Text()))
		}
	}
	limits := n.Get("limits")
	r.apply(limits.Get("timeout"), a, pyapp.Seconds("timeouts.request", ""))
	r.apply(limits.Get("requests"), a, pyapp.Count("recycle.requests", 2147483647))
	r.set(limits.Get("shm"), pyapp.NotNeeded("the host sizes the memory that it shares with workers itself"))
	r.set(limits.Get("reschedule_timeout"), pyapp.NotNeeded("queue.timeout says how long a request waits"))
	r.processes(n.Get("processes"), a)
	r.processes(n.Get("workers"), a) // Unit before 1.0
}

// apply follows the rule of an option, where it is there.
func (r *reading) apply(n *migrate.JSON, a *pyapp.App, rule pyapp.Rule) {
	if n != nil {
		r.set(n, rule(a, pyapp.Option{Value: n.Text()}))
	}
}

// processes reads how many processes there are: a number, or an object.
func (r *reading) processes(n *migrate.JSON, a *pyapp.App) {
	if n == nil {
		return
	}
	count := pyapp.Count("kind.workers", 1024)
	if n.Kind != migrate.Object {
		r.apply(n, a, count)
		return
	}
	r.apply(n.Get("max"), a, count)
	spare, idle := n.Get("spare"), n.Get("idle_timeout")
	if spare.Text() == "0" {
		a.Set("idle.start", "on-demand")
		r.set(spare, pyapp.Translated("idle.start = \"on-demand\""))
		pyapp.Seconds("idle.stop_after", "")(a, pyapp.Option{Value: "15"}) // Unit's default
		r.apply(idle, a, pyapp.Seconds("idle.stop_after", ""))
		return
	}
	r.apply(spare, a, pyapp.Fewest)
	r.set(idle, pyapp.NotNeeded("the host decides when an app needs fewer workers"))
}

// python reads an app of Python, or several when it has targets.
func (r *reading) python(n *migrate.JSON, a *pyapp.App, version string) {
	r.apply(n.Get("home"), a, pyapp.Venv)
	switch {
	case strings.HasPrefix(version, "2"):
		r.set(n.Get("type"), pyapp.ByHand("the app asks for Python 2, which the host does not run: port it, or run it by a program of its own in an http block"))
	case a.Venv == "" && strings.Contains(version, "."):
		a.Version = version
		r.set(n.Get("type"), pyapp.Translated("python.version = %q", version))
	case a.Venv != "":
		r.set(n.Get("type"), pyapp.NotNeeded("the virtual environment has its Python"))
	default:
		r.set(n.Get("type"), pyapp.Translated("the kind of the app"))
	}
	a.SetDefault("kind.workers", 1)
	a.SetDefault("kind.threads", 1)
	r.modulePath(n, a)
	r.targets(n, a, func(target *migrate.JSON, one *pyapp.App, name string) {
		if target != n {
			r.modulePath(target, one)
		}
		r.entry(n, target, one, name)
	})
}

// targets calls read for each target of an app, or for the app itself where it has none.
func (r *reading) targets(n *migrate.JSON, a *pyapp.App, read func(target *migrate.JSON, one *pyapp.App, name string)) {
	targets := n.Get("targets")
	if targets == nil {
		read(n, a, n.Key)
		return
	}
	for _, target := range targets.Inner {
		one := a.Clone()
		one.Name, one.Place = n.Key+"-"+target.Key, r.at(target)
		read(target, one, n.Key+"/"+target.Key)
	}
}

// modulePath reads the folders of modules, the first of which is the app's own.
func (r *reading) modulePath(n *migrate.JSON, a *pyapp.App) {
	paths := n.Get("path")
	if paths == nil {
		return
	}
	var dirs []string
	for _, dir := range paths.Texts() {
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

// entry reads the settings that identify the app. whole is the app around a target.
func (r *reading) entry(whole, n *migrate.JSON, a *pyapp.App, name string) {
	module, callable := n.Get("module").Text(), n.Get("callable").Text()
	if module == "" && n.Get("module") == nil {
		r.plan.Problem(r.at(n), "cannot find the module of the app %q", name)
		return
	}
	r.set(n.Get("module"), pyapp.Translated("entry"))
	r.set(n.Get("callable"), pyapp.Translated("the callable of entry"))
	if callable == "" {
		callable = "application"
	}
	if factory := n.Get("factory"); factory != nil {
		if factory.Text() == "true" {
			callable += "()"
		}
		r.set(factory, pyapp.Translated("entry, with () for a factory"))
	}
	a.Entry = module + ":" + callable
	if prefix := n.Get("prefix"); prefix != nil {
		r.prefixes[name] = "/" + strings.Trim(prefix.Text(), "/")
		r.set(prefix, pyapp.Translated("mount = %q", r.prefixes[name]))
	}
	protocol := whole.Get("protocol")
	switch protocol.Text() {
	case "asgi", "wsgi":
		a.Kind = protocol.Text()
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
// returns "" if the module does not show it.
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

func (r *reading) php(n *migrate.JSON, a *pyapp.App) {
	a.Kind = pyapp.PHP
	a.Set("kind.command", []string{"php-cgi"})
	r.set(n.Get("type"), pyapp.Translated("fastcgi { command = [\"php-cgi\"] }"))
	if options := n.Get("options"); options != nil {
		ini := map[string]string{}
		for _, group := range options.Inner {
			if group.Kind != migrate.Object {
				r.set(group, pyapp.ByHand("php-cgi reads its own php.ini: set php_ini to what is in %s", group.Text()))
				continue
			}
			for _, one := range group.Inner {
				ini[one.Key] = one.Text()
				r.set(one, pyapp.Translated("fastcgi.php_ini"))
			}
		}
		if len(ini) > 0 {
			a.Set("kind.php_ini", ini)
		}
	}
	r.targets(n, a, r.phpTarget)
}

func (r *reading) phpTarget(n *migrate.JSON, a *pyapp.App, name string) {
	if root := n.Get("root"); root != nil {
		a.Set("kind.script_root", a.Absolute(root.Text()))
		if a.Dir == "" {
			a.Dir = a.Absolute(root.Text())
		}
		r.set(root, pyapp.Translated("fastcgi.script_root"))
	}
	for _, key := range []string{"index", "script"} {
		if one := n.Get(key); one != nil {
			a.Set("kind.index", one.Text())
			r.set(one, pyapp.Translated("fastcgi.index = %q", one.Text()))
		}
	}
	r.add(name, a)
}

// external reads a program that is linked with Unit's library.
func (r *reading) external(n *migrate.JSON, a *pyapp.App) {
	a.Kind = pyapp.HTTP
	command := append([]string{a.Absolute(n.Get("executable").Text())}, n.Get("arguments").Texts()...)
	a.Set("kind.command", command)
	r.set(n.Get("type"), pyapp.ByHand("the program speaks to Unit by its library: let it serve HTTP on the port in the variable PORT instead"))
	r.set(n.Get("executable"), pyapp.Translated("http.command"))
	r.set(n.Get("arguments"), pyapp.Translated("http.command"))
	if a.Dir == "" {
		a.Dir = path.Dir(command[0])
	}
	r.add(n.Key, a)
}

// script reads an app of Perl or Ruby, which a server of its language runs.
func (r *reading) script(n *migrate.JSON, a *pyapp.App, kind string) {
	a.Kind = pyapp.HTTP
	server := map[string]string{"perl": "plackup", "ruby": "rackup"}[kind]
	file := a.Absolute(n.Get("script").Text())
	a.Set("kind.command", []string{server, "--host", "127.0.0.1", "--port", "$PORT", file})
	if a.Dir == "" {
		a.Dir = path.Dir(file)
	}
	r.set(n.Get("type"), pyapp.Translated("http { command } with %s, which must be installed", server))
	r.set(n.Get("script"), pyapp.Translated("http.command"))
	r.set(n.Get("hooks"), pyapp.ByHand("call the hooks in the script"))
	r.add(n.Key, a)
}
