package httpd

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/modgw/modgw/loader/migrate"
)

// Express reads command lines of mod_wsgi-express.
type Express struct{}

// Name returns the name of the program.
func (Express) Name() string { return "mod_wsgi-express" }

// Runs reports whether a command line starts mod_wsgi-express, or Django's runmodwsgi.
func (Express) Runs(args []string) bool {
	return filepath.Base(args[0]) == "mod_wsgi-express" && len(args) > 1 || slices.Contains(args, "runmodwsgi")
}

// Read puts the app that a command line serves into the plan.
func (Express) Read(command migrate.Command, plan *migrate.Plan) {
	e := &express{plan: plan, command: command, values: map[string][]string{}, noted: map[string]bool{}}
	if e.parse() {
		e.write()
	}
}

// express is a command line of mod_wsgi-express.
type express struct {
	plan    *migrate.Plan
	command migrate.Command
	app     *migrate.App
	django  bool
	entry   []string            // arguments that are no options
	used    []string            // options in their order, each once
	values  map[string][]string // values of each option; both of one that has two
	noted   map[string]bool
}

// report notes the outcome of an option.
func (e *express) report(option string, became migrate.Became, reason string, args ...any) {
	if e.noted[option] {
		return
	}
	e.noted[option] = true
	e.plan.Add(e.command.Place, "mod_wsgi-express "+option, became, "%s", fmt.Sprintf(reason, args...))
}

// parse splits the arguments. Commands that serve nothing are noted and produce no output.
func (e *express) parse() bool {
	args := e.command.Args[1:]
	if at := slices.Index(e.command.Args, "runmodwsgi"); at >= 0 {
		e.django, args = true, e.command.Args[at+1:]
	} else {
		switch args[0] {
		case "start-server", "setup-server":
			args = args[1:]
		default:
			e.plan.Add(e.command.Place, "mod_wsgi-express "+args[0], migrate.NotNeeded, "it serves no app: nothing is compiled for Apache, and its modules are those of its packages")
			return false
		}
	}
	for len(args) > 0 {
		word := args[0]
		args = args[1:]
		if !strings.HasPrefix(word, "-") || word == "-" {
			e.entry = append(e.entry, word)
			continue
		}
		name, value, joined := strings.Cut(word, "=")
		option := strings.TrimPrefix(name, "--")
		if !slices.Contains(e.used, name) {
			e.used = append(e.used, name)
		}
		switch {
		case joined:
			e.values[name] = append(e.values[name], value)
		case slices.Contains(expressFlags, option):
			e.values[name] = append(e.values[name], "")
		default:
			n := min(1, len(args))
			if slices.Contains(expressPairs, option) {
				n = min(2, len(args))
			}
			e.values[name] = append(e.values[name], args[:n]...)
			args = args[n:]
		}
	}
	return true
}

// given is an option with its values.
func (e *express) given(name string) given {
	return given{e.app, e.values[name], func(became migrate.Became, reason string, args ...any) { e.report(name, became, reason, args...) }}
}

// value returns the last value of an option, or "".
func (e *express) value(name string) string { return e.given(name).value() }

// absolute is a path as the program reads it.
func (e *express) absolute(path string) string {
	if filepath.IsAbs(path) || e.command.Dir == "" {
		return path
	}
	return filepath.Join(e.command.Dir, path)
}

// write writes the app.
func (e *express) write() {
	name := cmp.Or(e.value("--process-name"), e.command.Name, e.value("--server-name"))
	if name == "" && len(e.entry) > 0 {
		name = strings.TrimSuffix(filepath.Base(e.entry[0]), filepath.Ext(e.entry[0]))
	}
	e.app = e.plan.App(name, e.command.Place)
	e.app.Note("", fmt.Sprintf("From %s, line %d.", e.command.File, e.command.Line))
	root := e.command.Dir
	if dir := e.value("--working-directory"); dir != "" {
		root = e.absolute(dir)
		e.report("--working-directory", migrate.Translated, "root (%s)", root)
	}
	if root != "" {
		e.app.Set("root", root)
	}
	for _, account := range []struct{ setting, from string }{{"user", e.command.User}, {"group", e.command.Group}} {
		if account.from != "" {
			e.app.Set(account.setting, account.from)
		}
	}
	if e.writeEntry() == "wsgi" {
		e.app.Set("wsgi.workers", 1)
		e.app.Set("wsgi.threads", 5)
	}
	for name, value := range e.command.Env {
		e.app.Env(name, value)
	}
	rules := e.options().ByName()
	for name := range strings.FieldsSeq(asDaemon) {
		rules[name] = daemonOptions[name]
	}
	for _, name := range e.used {
		if rule := rules[strings.TrimPrefix(name, "--")]; rule != nil {
			rule(e.given(name))
		} else {
			e.report(name, migrate.ByHand, "mod_wsgi-express has no option of this name")
		}
	}
	e.plan.Add(e.command.Place, "mod_wsgi-express", migrate.Translated, "app %q: its settings are in the descriptor, and a web server in front asks the host", e.app.Name)
}

// writeEntry writes the kind of the app, and returns it.
func (e *express) writeEntry() string {
	kind, callable := e.value("--application-type"), e.value("--callable-object")
	entry := e.value("--entry-point")
	if entry == "" && len(e.entry) > 0 {
		entry = e.entry[0]
	}
	if e.django {
		e.app.Set("wsgi.entry", "manage.py")
		e.app.Note("wsgi.entry", "runmodwsgi took the app from WSGI_APPLICATION of the settings: write entry = \"project.wsgi:application\".")
		e.report("runmodwsgi", migrate.ByHand, "write the app that WSGI_APPLICATION of the settings names as the entry: \"project.wsgi:application\"")
		return "wsgi"
	}
	switch {
	case kind == "static":
		e.app.Set("static.dir", e.absolute(cmp.Or(e.value("--document-root"), ".")))
		e.report("--document-root", migrate.Translated, "static { dir }")
		e.report("--application-type", migrate.Translated, "a static app")
		return "static"
	case kind == "paste":
		e.app.Set("wsgi.entry", fmt.Sprintf("paste.deploy:loadapp('config:%s')", e.absolute(entry)))
	case kind == "module":
		e.app.Set("wsgi.entry", entry+":"+cmp.Or(callable, "application"))
	case callable != "" && callable != "application" && strings.HasSuffix(entry, ".py"):
		dir := filepath.Dir(e.absolute(entry))
		e.app.Set("wsgi.entry", strings.TrimSuffix(filepath.Base(entry), ".py")+":"+callable)
		e.app.Set("python.path", []string{dir})
	default:
		if !strings.Contains(entry, "/") && e.command.Dir != "" && filepath.Ext(entry) != ".wsgi" && filepath.Ext(entry) != ".py" {
			entry = e.absolute(entry)
		}
		e.app.Set("wsgi.entry", entry)
		if callable != "" && callable != "application" && callable != "app" {
			e.app.Note("wsgi.entry", fmt.Sprintf("The callable of this script is %q: a file needs one that is called application, or app.", callable))
			e.report("--callable-object", migrate.ByHand, "a script that is no module needs a callable that is called application, or app: add the line \"application = %s\" to it", callable)
		}
	}
	for _, name := range []string{"--application-type", "--callable-object", "--entry-point"} {
		if e.values[name] != nil {
			e.report(name, migrate.Translated, "wsgi { entry }")
		}
	}
	if kind == "" && callable == "" && len(e.entry) == 0 {
		e.app.Note("wsgi.entry", "The command line names no app.")
		e.plan.Problem(e.command.Place, "cannot find the app that mod_wsgi-express serves here: the command line names none")
	}
	return "wsgi"
}
