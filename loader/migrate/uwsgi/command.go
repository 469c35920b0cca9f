package uwsgi

import (
	"path"
	"slices"
	"strings"

	"github.com/modgw/modgw/loader/migrate"
)

// Command reads command lines of uWSGI.
type Command struct{}

// Name is the program.
func (Command) Name() string { return "uWSGI" }

// Runs reports whether the program is uwsgi, or one of its builds for one Python.
func (Command) Runs(args []string) bool {
	name := path.Base(args[0])
	return name == "uwsgi" || strings.HasPrefix(name, "uwsgi-") || strings.HasPrefix(name, "uwsgi_python") || name == "pyuwsgi"
}

// short are the options of one letter.
var short = map[byte]string{
	's': "socket", 'S': "http-socket", 'H': "home", 'w': "module", 'p': "processes", 'M': "master", 'd': "daemonize",
	'T': "enable-threads", 'C': "chmod-socket", 't': "harakiri", 'L': "disable-logging", 'x': "xml", 'y': "yaml", 'j': "json",
	'i': "single-interpreter", 'm': "memory-report", 'R': "max-requests", 'b': "buffer-size", 'l': "listen", 'z': "socket-timeout",
	'a': "abstract-socket", 'O': "optimize", 'Q': "spooler", 'A': "sharedarea", 'r': "reaper", 'J': "emperor",
}

// Read reads a command line: its options, and the files that it names.
func (Command) Read(c migrate.Command, p *migrate.Plan) {
	r := newReading(p)
	r.env = c.Env
	if r.env == nil {
		r.env = map[string]string{}
	}
	lines := arguments(c)
	for i := range lines {
		if name := lines[i].name; includeOptions[name] && !path.IsAbs(lines[i].value) && c.Dir != "" && !strings.HasPrefix(lines[i].value, ":") {
			lines[i].value = path.Join(c.Dir, lines[i].value)
		}
	}
	r.file(lines, "uwsgi")
	for name, value := range map[string]string{"uid": c.User, "gid": c.Group} {
		if _, set := r.values[name]; value != "" && !set {
			r.inherited = append(r.inherited, line{place: c.Place, name: name, value: value})
		}
	}
	slices.SortFunc(r.inherited, func(a, b line) int { return strings.Compare(b.name, a.name) })
	r.name, r.program = c.Name, c.Args[0]
	r.finish("", c.Dir, c.Place)
}

// arguments are the options of a command line.
func arguments(c migrate.Command) (all []line) {
	var shown string
	add := func(name, value string) {
		all = append(all, line{c.Place, "uwsgi", name, value, "uwsgi " + shown, false})
	}
	takesValue := func(name string) bool {
		name = strings.ReplaceAll(name, "_", "-")
		return flags[name] == nil
	}
	args := c.Args[1:]
	for i := 0; i < len(args); i++ {
		arg := args[i]
		shown, _, _ = strings.Cut(arg, "=")
		switch {
		case strings.HasPrefix(arg, "--"):
			name, value, has := strings.Cut(arg[2:], "=")
			if !has && takesValue(name) && i+1 < len(args) && !strings.HasPrefix(args[i+1], "--") {
				i++
				value = args[i]
			}
			add(name, value)
		case strings.HasPrefix(arg, "-") && len(arg) > 1:
			name, value := arg[1:2], arg[2:]
			if long, ok := short[arg[1]]; ok {
				name = long
			}
			if takesValue(name) && value == "" && i+1 < len(args) {
				i++
				value = args[i]
			} else if !takesValue(name) {
				for _, letter := range []byte(value) { // -Mi
					add(name, "")
					if name = string(letter); short[letter] != "" {
						name = short[letter]
					}
				}
				value = ""
			}
			add(name, value)
		case strings.HasSuffix(arg, ".ini") || strings.HasSuffix(arg, ".xml") || strings.HasSuffix(arg, ".yaml") ||
			strings.HasSuffix(arg, ".yml") || strings.HasSuffix(arg, ".json"):
			add("ini", arg)
		case strings.HasPrefix(arg, ":"):
			add("socket", arg)
		case strings.HasSuffix(arg, ".py") || strings.HasSuffix(arg, ".wsgi"):
			add("wsgi-file", arg)
		default:
			add(arg, "")
		}
	}
	return all
}
