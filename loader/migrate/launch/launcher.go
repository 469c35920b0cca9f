package launch

import (
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/modgw/modgw/loader/migrate"
	"github.com/modgw/modgw/loader/migrate/pyapp"
	"github.com/modgw/modgw/loader/migrate/shellwords"
)

// launcher follows the commands of one entry of a file.
type launcher struct {
	plan *migrate.Plan
	base migrate.Command // surroundings of each command

	apps   []*migrate.App // apps of the commands
	beside []string       // commands that are no server

	exported []string // NAME=VALUE that lines above export
}

// run follows a line of shell, or the words of a program that is started without one.
func (l *launcher) run(line string) {
	for _, c := range shellwords.Split(line, l.variable) {
		l.command(c.Env, c.Args)
	}
}

// variable returns the value of a variable of the surroundings. $PORT stays as it is.
func (l *launcher) variable(name, written, otherwise string) string {
	value, set := l.base.Env[name]
	switch {
	case name == "PORT":
		return "$PORT"
	case set:
		return value
	case otherwise != "":
		return otherwise
	}
	l.base.Variables = append(l.base.Variables, written)
	return l.plan.Variable(name, written, l.base.Place)
}

// command follows one command.
func (l *launcher) command(env, args []string) {
	c := l.base
	c.Env = maps.Clone(c.Env)
	if c.Env == nil {
		c.Env = map[string]string{}
	}
	set := func(assignments []string, keep bool) {
		for _, one := range assignments {
			name, value, _ := strings.Cut(one, "=")
			c.Env[name] = value
			if keep {
				l.base.Env = with(l.base.Env, name, value)
			}
		}
	}
	set(env, len(args) == 0)
	args = reduce(args, &c)
	if len(args) == 0 {
		return
	}
	switch args[0] {
	case "cd":
		if len(args) > 1 {
			l.base.Dir = join(c.Dir, args[1])
		}
		return
	case "export":
		set(args[1:], true)
		for _, one := range args[1:] {
			if strings.Contains(one, "=") {
				l.exported = append(l.exported, one)
			}
		}
		return
	case "source", ".":
		if len(args) > 1 {
			if venv, ok := strings.CutSuffix(args[1], "/bin/activate"); ok {
				l.base.Env = with(l.base.Env, "VIRTUAL_ENV", join(c.Dir, venv))
			}
		}
		return
	case "set", "true", ":", "umask", "ulimit", "echo", "sleep", "exit", "trap", "fi", "then", "else", "done":
		return
	case "bash", "sh", "/bin/bash", "/bin/sh", "dash", "zsh", "/usr/bin/bash", "/usr/bin/sh":
		for i, arg := range args[1:] {
			if strings.HasPrefix(arg, "-") && strings.Contains(arg, "c") && i+2 < len(args) {
				outer := l.base
				l.base = c
				l.run(args[i+2])
				l.base.Dir, l.base.Env = outer.Dir, outer.Env
				return
			}
		}
	}
	c.Args = args
	before := len(l.plan.Apps)
	if !l.plan.Command(c) {
		l.beside = append(l.beside, strings.Join(args, " "))
		return
	}
	for _, app := range l.plan.Apps[before:] {
		l.apps = append(l.apps, app)
		for _, one := range append(slices.Clone(l.exported), env...) {
			name, value, _ := strings.Cut(one, "=")
			setEnv(app, name, value)
		}
	}
}

// started is the outcome of the command that starts the apps.
func (l *launcher) started() pyapp.Outcome {
	if len(l.beside) > 0 {
		return pyapp.ByHand("app %s; what else it runs has to be done by hand: %s", names(l.apps), migrate.Show(strings.Join(l.beside, "; ")))
	}
	return pyapp.Translated("app %s", names(l.apps))
}

// account is the outcome of the user that a command runs as.
func account(user string) pyapp.Outcome {
	if user == "root" {
		return pyapp.ByHand("apps never run as root: make an account for the app and set user to it")
	}
	return pyapp.Translated("user")
}

func names(apps []*migrate.App) string {
	var all []string
	for _, a := range apps {
		all = append(all, a.Name)
	}
	return strings.Join(all, ", ")
}

// process gives the apps a setting of the process.
func (l *launcher) process(rule pyapp.Rule, a assignment) (out pyapp.Outcome) {
	for _, app := range l.apps {
		out = rule.ApplyTo(app, pyapp.Option{Place: a.place, Name: a.key, Value: a.value})
	}
	return out
}

func with(m map[string]string, name, value string) map[string]string {
	m = maps.Clone(m)
	if m == nil {
		m = map[string]string{}
	}
	m[name] = value
	return m
}

// join is a path below a folder; a relative one stays so where the folder is not known.
func join(dir, name string) string {
	if path.IsAbs(name) || dir == "" {
		return name
	}
	return path.Join(dir, name)
}

// setEnv gives an app an environment variable. It returns the outcome.
func setEnv(app *migrate.App, name, value string) pyapp.Outcome {
	var scratch pyapp.App
	out := scratch.SetEnv(name, value)
	scratch.WriteEnv(app)
	if scratch.Venv != "" && app.Value("python.venv") == nil {
		app.Set("python.venv", scratch.Venv)
	}
	return out
}

// wrappers are programs that start another one. Their number of own arguments without a dash
// follows.
var wrappers = map[string]int{"exec": 0, "nohup": 0, "time": 0, "nice": 0, "ionice": 0, "setsid": 0, "tini": 0, "dumb-init": 0, "env": 0, "sudo": 0, "command": 0,
	"chpst": 0, "gosu": 1, "su-exec": 1, "setuidgid": 1, "newrelic-admin": 1, "ddtrace-run": 0, "opentelemetry-instrument": 0, "stdbuf": 0, "catchsegv": 0, "honcho": -1,
	"dotenv": 1, "poetry": 1, "pipenv": 1, "uv": 1, "pdm": 1, "hatch": 1, "rye": 1, "xvfb-run": 0, "systemd-cat": 0, "authbind": 0, "with-contenv": 0}

// withValue are options of wrappers that have a value.
var withValue = map[string]string{"sudo": "u g", "nice": "n", "ionice": "c n", "chpst": "u e o", "stdbuf": "o e i", "env": "u C"}

// reduce removes wrappers from a command, and converts "python -m gunicorn" to the program gunicorn
// of that Python.
func reduce(args []string, c *migrate.Command) []string {
	for len(args) > 1 {
		name := path.Base(args[0])
		own, isWrapper := wrappers[name]
		if !isWrapper || own < 0 {
			break
		}
		rest := args[1:]
		for len(rest) > 0 && own >= 0 {
			switch word, _, isSet := strings.Cut(rest[0], "="); {
			case strings.HasPrefix(rest[0], "-"):
				if slices.Contains(strings.Fields(withValue[name]), strings.TrimLeft(rest[0], "-")) && len(rest) > 1 {
					if strings.TrimLeft(rest[0], "-") == "u" && (name == "sudo" || name == "chpst") {
						c.User, _, _ = strings.Cut(rest[1], ":")
					}
					rest = rest[1:]
				}
				rest = rest[1:]
				continue
			case isSet && own == 0 && !strings.Contains(word, "/"):
				c.Env[word] = strings.TrimPrefix(rest[0], word+"=")
				rest = rest[1:]
				continue
			}
			if own == 0 {
				break
			}
			if name == "gosu" || name == "su-exec" || name == "setuidgid" {
				c.User, _, _ = strings.Cut(rest[0], ":")
			}
			own--
			rest = rest[1:]
		}
		args = rest
	}
	if len(args) > 2 && isPython(args[0]) {
		at := 1
		for at < len(args)-1 && strings.HasPrefix(args[at], "-") && args[at] != "-m" {
			at++
		}
		switch {
		case args[at] == "-m" && at+1 < len(args):
			module := strings.TrimSuffix(args[at+1], ".__main__")
			if module == "gunicorn.app.wsgiapp" {
				module = "gunicorn"
			}
			if module == "waitress" {
				module = "waitress-serve"
			}
			return append([]string{path.Join(path.Dir(args[0]), module)}, args[at+2:]...)
		case path.Base(path.Dir(args[at])) == "bin": // python /srv/venv/bin/gunicorn
			return args[at:]
		}
	}
	return args
}

func isPython(program string) bool {
	name := path.Base(program)
	return strings.HasPrefix(name, "python") || strings.HasPrefix(name, "pypy")
}
