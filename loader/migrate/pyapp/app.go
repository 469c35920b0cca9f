package pyapp

import (
	"path"
	"slices"
	"strings"

	"github.com/modgw/modgw/loader/migrate"
)

// The kinds of apps: the names of their blocks.
const (
	WSGI   = "wsgi"
	ASGI   = "asgi"
	HTTP   = "http"
	CGI    = "cgi"
	PHP    = "fastcgi"
	Static = "static"
	Go     = "go"
)

// App is an app as the configuration of its old server has it.
type App struct {
	Name  string        // preferred name; empty: derived from its program
	Place migrate.Place // line that describes it

	Kind  string // one of the constants above; empty while it is not known
	Entry string // "package.module:callable", a file, or a factory with "()"
	Dir   string // absolute working directory; empty: not known

	// Beside is the folder of the configuration. It is the root of an app without a working
	// directory whose module is there.
	Beside string

	// System means that the app ran with the system's Python and its packages, if it has no virtual
	// environment.
	System bool

	Venv      string    // folder of the virtual environment; empty: none
	Version   string    // version or path of Python; empty: not said
	Path      []string  // folders to find modules in
	Addresses []Address // addresses at which the old server listened

	settings []setting
	env      []setting
	aliases  []alias
	notes    []string
}

// Address is one at which the old server listened.
type Address struct {
	Text  string        // "unix:PATH" or "HOST:PORT"
	Place migrate.Place // line that contains it
}

type setting struct {
	name  string
	value any
}

type alias struct{ url, argument, target string }

// Set gives a setting of the descriptor a value. A name that begins with "kind." is one of the
// block of the app's kind, such as "kind.workers"; it is left out of a kind that has no such
// setting.
func (a *App) Set(name string, value any) {
	for i := range a.settings {
		if a.settings[i].name == name {
			a.settings[i].value = value
			return
		}
	}
	a.settings = append(a.settings, setting{name, value})
}

// Get returns the value of a setting, nil when it is not set.
func (a *App) Get(name string) any {
	for _, s := range a.settings {
		if s.name == name {
			return s.value
		}
	}
	return nil
}

// SetDefault is Set for a setting that has no value yet.
func (a *App) SetDefault(name string, value any) {
	if a.Get(name) == nil {
		a.Set(name, value)
	}
}

// Env sets an environment variable.
func (a *App) Env(name string, value any) {
	a.env = append(slices.DeleteFunc(a.env, func(s setting) bool { return s.name == name }), setting{name, value})
}

// Alias lets the host serve a folder, or a file when argument is "file", below a path of URLs.
func (a *App) Alias(url, argument, target string) {
	a.aliases = append(a.aliases, alias{url, argument, target})
}

// Note puts a comment above the app.
func (a *App) Note(text string) { a.notes = append(a.notes, text) }

// kindSettings are the settings of kind blocks other than those that are set by fields.
var kindSettings = map[string][]string{
	WSGI: {"workers", "threads", "concurrency"},
	ASGI: {"workers", "concurrency", "websockets", "lifespan"},
	HTTP: {"workers", "command", "strip_mount", "keep_packages"},
	CGI:  {"dir", "script", "concurrency"},
	PHP:  {"command", "connect", "script_root", "index", "workers", "php_ini", "concurrency"},
	Go:   {"package", "args", "workers", "strip_mount"},
	Static: {
		"dir", "index", "cache", "types",
	},
}

// Write adds the app to the plan and returns it.
func (a *App) Write(p *migrate.Plan) *migrate.App {
	if a.Kind == "" {
		a.Kind = WSGI
	}
	app := p.App(a.name(), a.Place)
	for _, note := range a.notes {
		app.Note("", note)
	}
	root := a.root(p)
	if root == "" {
		app.Note("root", "The folder in which the old server was started is not known: set root to it.")
	} else {
		app.Set("root", root)
	}
	if a.Kind == WSGI || a.Kind == ASGI {
		app.Set(a.Kind+".entry", a.Entry)
	}
	a.writePython(app, root)
	for _, s := range a.settings {
		name, ofKind := strings.CutPrefix(s.name, "kind.")
		if ofKind && !slices.Contains(kindSettings[a.Kind], name) {
			continue
		}
		if ofKind {
			name = a.Kind + "." + name
		}
		app.Set(name, s.value)
	}
	for _, s := range a.env {
		app.Env(s.name, s.value)
	}
	for _, one := range a.aliases {
		app.Alias(one.url, one.argument, one.target)
	}
	for _, address := range a.Addresses {
		p.Serve(app, address.Text, address.Place)
	}
	if p.Front == "" {
		p.Front = "nginx" // the usual server in front
	}
	if p.Claim("hosts of apps") {
		p.Finally(migrate.Names, func() { separateHosts(p) })
	}
	return app
}

func (a *App) writePython(app *migrate.App, root string) {
	if a.Kind == Static || a.Kind == Go {
		return
	}
	if a.Venv != "" {
		app.Set("python.venv", a.Venv)
	}
	var paths []string
	for _, dir := range a.Path {
		venv, ofVenv := VenvOf(dir)
		switch {
		case ofVenv && a.Venv == "":
			a.Venv = venv
			app.Set("python.venv", venv)
		case ofVenv && venv == a.Venv || dir == root || slices.Contains(paths, dir):
		default:
			paths = append(paths, dir)
		}
	}
	switch {
	case a.Venv != "":
	case a.Version != "":
		app.Set("python.version", a.Version)
	case a.System && (a.Kind == WSGI || a.Kind == ASGI):
		app.Set("python.venv", "/usr")
		app.Note("python", "The app ran with the system's Python and its packages. Without venv it gets those of its requirements.")
	}
	if len(paths) > 0 {
		app.Set("python.path", paths)
	}
}

// name returns the preferred name, else that of the module, else that of a folder.
func (a *App) name() string {
	if a.Name != "" {
		return a.Name
	}
	module, _, _ := strings.Cut(a.Entry, ":")
	if strings.Contains(module, "/") || strings.HasSuffix(module, ".py") || strings.HasSuffix(module, ".wsgi") {
		module = strings.TrimSuffix(strings.TrimSuffix(path.Base(module), ".py"), ".wsgi")
	}
	module, _, _ = strings.Cut(module, ".")
	if dir := path.Base(a.Dir); saysNothing[module] && a.Dir != "" && dir != "/" && !saysNothing[dir] {
		return dir
	}
	return module
}

// saysNothing are names of modules and folders that many apps have.
var saysNothing = map[string]bool{"": true, "app": true, "application": true, "asgi": true, "main": true, "run": true,
	"server": true, "src": true, "web": true, "wsgi": true, "config": true, "code": true, "current": true}

// root returns the working directory, or else the folder of the app's module.
func (a *App) root(p *migrate.Plan) string {
	if a.Dir != "" {
		return a.Dir
	}
	if path.IsAbs(a.Entry) {
		return path.Dir(a.Entry)
	}
	dirs := slices.DeleteFunc(slices.Clone(a.Path), func(dir string) bool {
		_, ofVenv := VenvOf(dir)
		return ofVenv || !path.IsAbs(dir)
	})
	if a.Beside != "" {
		dirs = append(dirs, a.Beside)
	}
	for _, dir := range dirs {
		if a.hasModule(p, dir) {
			return dir
		}
	}
	if len(a.Path) > 0 && len(dirs) > 0 {
		return dirs[0]
	}
	return ""
}

// hasModule reports whether the module of the entry, or its file, is in a folder.
func (a *App) hasModule(p *migrate.Plan, dir string) bool {
	module, _, _ := strings.Cut(a.Entry, ":")
	if module == "" {
		return false
	}
	file := path.Join(dir, strings.ReplaceAll(module, ".", "/"))
	return p.Files.Exists(file+".py") || p.Files.Exists(path.Join(file, "__init__.py")) || p.Files.Exists(path.Join(dir, module))
}

// VenvOf returns the virtual environment that contains a path: the one with its site-packages or
// bin.
func VenvOf(dir string) (venv string, ok bool) {
	parts := strings.Split(path.Clean(dir), "/")
	for i, part := range parts {
		if i > 1 && part == "lib" && i+2 < len(parts) && strings.HasPrefix(parts[i+1], "python") && parts[i+2] == "site-packages" {
			venv = strings.Join(parts[:i], "/")
			return venv, !isSystem(venv)
		}
	}
	return "", false
}

// VenvOfProgram returns the virtual environment in whose bin a program is.
func VenvOfProgram(program string) (venv string, ok bool) {
	dir := path.Dir(program)
	if path.Base(dir) != "bin" || !path.IsAbs(program) && !beginsWithVariable(program) {
		return "", false
	}
	venv = path.Dir(dir)
	return venv, !isSystem(venv)
}

// beginsWithVariable reports whether a path begins with a part of a template, which may be a whole
// path.
func beginsWithVariable(name string) bool {
	first, _, _ := strings.Cut(name, "/")
	return migrate.HasVariables(first)
}

// isSystem reports whether a folder has the Python of the system, or one of all users.
func isSystem(dir string) bool {
	switch dir {
	case "/", "", "/usr", "/usr/local", "/opt/local":
		return true
	}
	return strings.HasPrefix(dir, "/usr/lib")
}

// Clone returns an app with the same settings.
func (a *App) Clone() *App {
	b := *a
	b.Path, b.Addresses = slices.Clone(a.Path), slices.Clone(a.Addresses)
	b.settings, b.env = slices.Clone(a.settings), slices.Clone(a.env)
	b.aliases, b.notes = slices.Clone(a.aliases), slices.Clone(a.notes)
	return &b
}
