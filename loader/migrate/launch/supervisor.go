package launch

import (
	"path"
	"strconv"
	"strings"

	"github.com/modgw/modgw/internal/lazyregexp"
	"github.com/modgw/modgw/loader/migrate"
	"github.com/modgw/modgw/loader/migrate/pyapp"
)

// Supervisor reads configurations of supervisor.
type Supervisor struct{}

// Name returns the name of the format.
func (Supervisor) Name() string { return "configuration of supervisor" }

var supervisorSection = lazyregexp.New(`(?m)^\[(?:program|fcgi-program|eventlistener|group):[^\]]+\]|^\[supervisord\]`)

// Recognise looks for the section of a program, or of supervisord.
func (Supervisor) Recognise(s migrate.Source) int {
	if supervisorSection.MatchString(s.Text) {
		return 80
	}
	return 0
}

// supervisorSyntaxes are those of templates; %(x)s is supervisor's own.
var supervisorSyntaxes = []migrate.Syntax{migrate.Braces, migrate.ERB, migrate.At, migrate.Percents, migrate.Dunder, migrate.ShellPath}

// parseSupervisor reads the lines of a configuration. Lines that are indented go on with the one
// above.
func parseSupervisor(s migrate.Source, p *migrate.Plan) (all []assignment) {
	section := ""
	for i, raw := range s.Lines() {
		text := raw
		if at := strings.Index(text, " ;"); at >= 0 {
			text = text[:at]
		}
		trimmed := strings.TrimSpace(text)
		place := s.Place(i + 1)
		switch {
		case trimmed == "" || trimmed[0] == ';' || trimmed[0] == '#':
		case trimmed[0] == '[':
			section = strings.Trim(trimmed, "[]")
		case (raw[0] == ' ' || raw[0] == '\t') && len(all) > 0 && all[len(all)-1].section == section:
			all[len(all)-1].value = strings.TrimSpace(all[len(all)-1].value + "\n" + trimmed)
		default:
			at := strings.IndexAny(trimmed, "=:")
			if at < 0 {
				p.Problem(place, "cannot read a line that is not KEY=VALUE: %s", trimmed)
				p.Add(place, migrate.Show(trimmed), migrate.ByHand, "supervisor does not start with this line: correct it")
				continue
			}
			all = append(all, assignment{place, section, strings.TrimSpace(trimmed[:at]), strings.TrimSpace(trimmed[at+1:])})
		}
	}
	return all
}

// Read reads a configuration with the files that it includes.
func (Supervisor) Read(s migrate.Source, p *migrate.Plan) {
	s, ok := p.Template(s, supervisorSyntaxes)
	if !ok {
		return
	}
	lines := parseSupervisor(s, p)
	for start := 0; start < len(lines); {
		end := start
		for end < len(lines) && lines[end].section == lines[start].section {
			end++
		}
		kind, name, _ := strings.Cut(lines[start].section, ":")
		switch kind {
		case "program", "fcgi-program":
			readProgram(s, lines[start:end], name, p)
		case "include":
			includeFiles(s, lines[start:end], p)
		default:
			for _, a := range lines[start:end] {
				supervisorOwn(kind, a).Report(p, a.place, a.key)
			}
		}
		start = end
	}
}

func supervisorOwn(kind string, a assignment) pyapp.Outcome {
	switch kind {
	case "eventlistener":
		return pyapp.ByHand("keep the listener of events under supervisor, or run it as a unit of systemd")
	case "group":
		return pyapp.NotNeeded("apps have no groups: modgw-host restart and other commands take several names")
	}
	if a.key == "environment" {
		return pyapp.ByHand("set env in the defaults block of the host's own file: %s", migrate.Quote(a.value))
	}
	return pyapp.NotNeeded("it is about supervisor itself, whose work modgw-host does for its apps")
}

// includeFiles reads the files that an include section names.
func includeFiles(s migrate.Source, lines []assignment, p *migrate.Plan) {
	for _, a := range lines {
		n := 0
		for pattern := range strings.FieldsSeq(strings.ReplaceAll(a.value, "%(here)s", path.Dir(s.Path))) {
			for _, file := range p.Files.Glob(join(path.Dir(s.Path), pattern)) {
				included, err := p.Files.Read(file)
				if err != nil {
					p.Problem(a.place, "cannot read the file that it includes, %q: %v", file, err)
					continue
				}
				n++
				if p.NoteSource(file) {
					Supervisor{}.Read(included, p)
				}
			}
		}
		pyapp.Translated("%d files are read here", n).Report(p, a.place, a.key)
	}
}

// program is one program of supervisor.
type program struct {
	launcher
	name   string
	number int // how many processes
}

var supervisorValue = lazyregexp.New(`%\(([A-Za-z_][A-Za-z0-9_]*)\)0?(\d*)[sd]`)

// expand resolves %(name)s.
func (r *program) expand(a assignment, file string) string {
	value := supervisorValue.ReplaceAllStringFunc(a.value, func(written string) string {
		m := supervisorValue.FindStringSubmatch(written)
		name := m[1]
		switch name {
		case "here":
			return path.Dir(file)
		case "program_name", "group_name":
			return r.name
		case "process_num":
			width, _ := strconv.Atoi(m[2])
			return strings.Repeat("0", max(width, 1))
		case "numprocs":
			return strconv.Itoa(r.number)
		}
		if variable, ok := strings.CutPrefix(name, "ENV_"); ok {
			if value, set := r.base.Env[variable]; set {
				return value
			}
			return r.plan.Variable(variable, written, a.place)
		}
		return r.plan.Variable(name, written, a.place)
	})
	return strings.ReplaceAll(value, "%%", "%")
}

// readProgram reads the section of a program.
func readProgram(s migrate.Source, lines []assignment, name string, p *migrate.Plan) {
	r := &program{name: name, number: 1}
	r.launcher = launcher{plan: p, base: migrate.Command{Place: lines[0].place, Name: name, Env: map[string]string{}}}
	if unitName(name+".service") == "" {
		r.base.Name = ""
	}
	var command *assignment
	for _, a := range lines {
		if n, err := strconv.Atoi(a.value); a.key == "numprocs" && err == nil && n > 0 {
			r.number = n
		}
	}
	for i := range lines {
		a := &lines[i]
		a.value = r.expand(*a, s.Path)
		switch a.key {
		case "directory":
			r.base.Dir = a.value
		case "user":
			r.base.User = a.value
		case "environment":
			for _, one := range assignments(a.value) {
				key, value, _ := strings.Cut(one, "=")
				r.base.Env[key] = value
			}
		case "command":
			command = a
		}
	}
	if command != nil {
		r.base.Place = command.place
		r.run(command.value)
		r.multiply()
	}
	for _, a := range lines {
		r.outcome(a).Report(p, a.place, a.key)
	}
}

// multiply gives an app as many workers as all processes of the program had.
func (r *program) multiply() {
	if r.number < 2 {
		return
	}
	for _, app := range r.apps {
		for _, kind := range []string{"wsgi", "asgi"} {
			if app.Value(kind+".entry") == nil {
				continue
			}
			if n, ok := app.Value(kind + ".workers").(int); ok {
				app.Set(kind+".workers", min(n*r.number, 1024))
			}
		}
	}
}

// assignments are the variables of an environment line: A="1",B='2',C=3.
func assignments(text string) (all []string) {
	var b strings.Builder
	var quote byte
	flush := func() {
		if one := strings.TrimSpace(b.String()); one != "" {
			all = append(all, one)
		}
		b.Reset()
	}
	for i := range len(text) {
		c := text[i]
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case quote == 0 && (c == ',' || c == '\n'):
			flush()
		default:
			b.WriteByte(c)
		}
	}
	flush()
	return all
}

func (r *program) outcome(a assignment) pyapp.Outcome {
	if len(r.apps) == 0 {
		return pyapp.ByHand("program %s starts no server that is known: keep it under supervisor, or run it as a unit of systemd", r.name)
	}
	switch a.key {
	case "command":
		return r.started()
	case "directory":
		return pyapp.Translated("root")
	case "user":
		return account(a.value)
	case "environment":
		var set []string
		for _, one := range assignments(a.value) {
			key, value, _ := strings.Cut(one, "=")
			for _, app := range r.apps {
				setEnv(app, key, value)
			}
			set = append(set, key)
		}
		return pyapp.Translated("env of %s", strings.Join(set, ", "))
	case "umask":
		return r.process(pyapp.Umask, a)
	case "stopwaitsecs":
		return r.process(pyapp.Seconds("timeouts.stop", ""), a)
	case "numprocs":
		if r.number < 2 {
			return pyapp.NotNeeded("one is the default")
		}
		return pyapp.Translated("workers, times %d", r.number)
	case "autostart":
		if strings.EqualFold(a.value, "false") {
			return pyapp.ByHand("the app was not started by itself: keep its descriptor out of the enabled ones until it is wanted")
		}
	case "startsecs":
		return pyapp.NotNeeded("a worker counts as started when it has imported the app")
	case "stdout_logfile", "stderr_logfile", "redirect_stderr", "stdout_logfile_maxbytes", "stderr_logfile_maxbytes", "stdout_logfile_backups",
		"stderr_logfile_backups", "stdout_capture_maxbytes", "stderr_capture_maxbytes", "stdout_events_enabled", "stderr_events_enabled", "stdout_syslog", "stderr_syslog":
		return pyapp.NotNeeded("the host keeps the logs of its apps: modgw-host logs shows them")
	case "socket":
		for _, app := range r.apps {
			r.plan.Serve(app, a.value, a.place)
		}
		return pyapp.Listener("fastcgi", a.value)
	}
	return pyapp.NotNeeded("the host supervises the processes of its apps")
}
