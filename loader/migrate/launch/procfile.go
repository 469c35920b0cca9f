package launch

import (
	"path"
	"strings"

	"github.com/modgw/modgw/internal/lazyregexp"
	"github.com/modgw/modgw/loader/migrate"
	"github.com/modgw/modgw/loader/migrate/pyapp"
	"github.com/modgw/modgw/loader/migrate/shellwords"
)

// Procfile reads Procfiles, as Heroku, Foreman and Honcho have them.
type Procfile struct{}

// Name returns the name of the format.
func (Procfile) Name() string { return "Procfile" }

var (
	processLine = lazyregexp.New(`^([A-Za-z0-9_-]+):\s+(\S.*)$`)
	webLine     = lazyregexp.New(`(?m)^(?:web|worker|release|beat): `)
)

// Recognise looks for processes; the name of the file decides where there is no web process.
func (Procfile) Recognise(s migrate.Source) int {
	for _, line := range s.Lines() {
		line = strings.TrimSpace(line)
		if line != "" && line[0] != '#' && !processLine.MatchString(line) && strings.HasPrefix(line, "[") {
			return 0
		}
	}
	switch {
	case strings.HasPrefix(path.Base(s.Path), "Procfile") && strings.Contains(s.Text, ":"):
		return 75
	case webLine.MatchString(s.Text):
		return 40
	}
	return 0
}

// Read reads a Procfile.
func (Procfile) Read(s migrate.Source, p *migrate.Plan) {
	s, ok := p.Template(s, []migrate.Syntax{migrate.Braces, migrate.ERB, migrate.At})
	if !ok {
		return
	}
	seen := map[string]bool{}
	for i, line := range s.Lines() {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		m := processLine.FindStringSubmatch(line)
		if m == nil {
			p.Problem(s.Place(i+1), "cannot read a line that is not NAME: COMMAND: %s", line)
			p.Add(s.Place(i+1), migrate.Show(line), migrate.ByHand, "no process of a Procfile: see what it is for")
			continue
		}
		out := readProcess(s, i+1, m[1], m[2], p)
		if seen[m[1]] {
			out.Reason += "; the file has the name twice"
		}
		seen[m[1]] = true
		out.Report(p, s.Place(i+1), m[1])
	}
}

// readProcess reads a process of a Procfile.
func readProcess(s migrate.Source, number int, name, line string, p *migrate.Plan) pyapp.Outcome {
	l := &launcher{plan: p, base: migrate.Command{Place: s.Place(number), Dir: path.Dir(s.Path), Env: map[string]string{}}}
	if name == "release" {
		return pyapp.ByHand("run it before the app is started, or make a build block of it: %s", migrate.Show(line))
	}
	l.run(line)
	if len(l.apps) == 0 && name == "web" {
		return l.program(line)
	}
	switch {
	case len(l.apps) == 0:
		return pyapp.ByHand("no server: run it as a unit of systemd in %s: %s", path.Dir(s.Path), migrate.Show(line))
	case len(l.beside) > 0:
		return pyapp.ByHand("app %s; run before it is started: %s", names(l.apps), migrate.Show(strings.Join(l.beside, "; ")))
	}
	return pyapp.Translated("app %s", names(l.apps))
}

// program makes an http app of a command that listens on $PORT.
func (l *launcher) program(line string) pyapp.Outcome {
	commands := shellwords.Split(line, l.variable)
	if len(commands) == 0 || !strings.Contains(line, "PORT") && len(commands) > 1 {
		return pyapp.ByHand("no server that is known: make an http block of the command: %s", migrate.Show(line))
	}
	last := commands[len(commands)-1]
	a := &pyapp.App{Place: l.base.Place, Kind: pyapp.HTTP, Dir: l.base.Dir, Name: path.Base(l.base.Dir)}
	for _, one := range last.Env {
		pyapp.Variable(a, pyapp.Option{Value: one})
	}
	a.Set("kind.command", last.Args)
	app := a.Write(l.plan)
	if len(commands) > 1 {
		return pyapp.ByHand("app %s runs the last command; see what the others are for: %s", app.Name, migrate.Show(line))
	}
	if !strings.Contains(line, "PORT") {
		return pyapp.ByHand("app %s: see that the program listens on the port that the variable PORT has", app.Name)
	}
	return pyapp.Translated("app %s", app.Name)
}
