package launch

import (
	"path"

	"github.com/modgw/modgw/internal/lazyregexp"
	"github.com/modgw/modgw/loader/migrate"
	"github.com/modgw/modgw/loader/migrate/pyapp"
	"github.com/modgw/modgw/loader/migrate/shellwords"
)

// Script reads shell scripts that start a server, and files with one command line.
type Script struct{}

// Name returns the name of the format.
func (Script) Name() string { return "shell script" }

var (
	shellShebang = lazyregexp.New(`^#!\s*\S*(?:/env\s+)?(?:/|\b)(?:ba|da|z|k)?sh\b`)
	serverLine   = lazyregexp.New(`(?m)^\s*(?:exec\s+|sudo\s+|nohup\s+|env\s+)?(?:[A-Z_]+=\S+\s+)*(?:\S*python[\d.]*\s+-m\s+)?(?:\S*/)?(?:gunicorn|uwsgi|uvicorn|hypercorn|daphne|granian|waitress-serve|mod_wsgi-express)\s+\S`)
)

// Recognise looks for a line that starts a server.
func (Script) Recognise(s migrate.Source) int {
	switch {
	case !serverLine.MatchString(s.Text):
		return 0
	case shellShebang.MatchString(s.Text):
		return 60
	}
	return 25
}

// Read reads a script line by line. It does not follow conditions.
func (Script) Read(s migrate.Source, p *migrate.Plan) {
	s, ok := p.Template(s, []migrate.Syntax{migrate.Braces, migrate.ERB, migrate.At})
	if !ok {
		return
	}
	l := &launcher{plan: p, base: migrate.Command{Place: s.Place(1), Env: map[string]string{}}}
	for _, one := range joinLines(s, "#", func(string) bool { return false }) {
		l.base.Place = one.place
		l.line(one.text).Report(p, one.place, directive(one.text))
	}
}

// directive names a line of a script in the report: its first word.
func directive(text string) string {
	words := shellwords.Fields(text)
	if len(words) == 0 {
		return migrate.Show(text)
	}
	return migrate.Show(path.Base(words[0]))
}

func (l *launcher) line(text string) pyapp.Outcome {
	apps, beside := len(l.apps), len(l.beside)
	l.run(text)
	switch {
	case len(l.apps) > apps:
		return pyapp.Translated("app %s", names(l.apps[apps:]))
	case len(l.beside) > beside:
		return pyapp.ByHand("no server: run it before the app is started, or as a unit of systemd: %s", migrate.Show(text))
	}
	return pyapp.NotNeeded("it is about the shell, or about what the lines below see")
}
