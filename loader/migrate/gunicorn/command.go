package gunicorn

import (
	"path"
	"slices"
	"strings"

	"github.com/modgw/modgw/loader/migrate"
	"github.com/modgw/modgw/loader/migrate/pyapp"
	"github.com/modgw/modgw/loader/migrate/shellwords"
)

// Command reads command lines of Gunicorn.
type Command struct{}

// Name is the program.
func (Command) Name() string { return "Gunicorn" }

// Runs reports whether the program is Gunicorn.
func (Command) Runs(args []string) bool {
	switch path.Base(args[0]) {
	case "gunicorn", "gunicorn3", "gunicorn2", "gunicorn_django", "gunicorn_paster":
		return true
	}
	return false
}

// Read reads a command line, the variable GUNICORN_CMD_ARGS, and the file of settings.
func (Command) Read(c migrate.Command, p *migrate.Plan) {
	s := newServer(pyapp.FromCommand(c), p)
	s.env = c.Env
	flags, rest := pyapp.Flags(slices.Clone(c.Args[1:]), short, isValueless)
	all := options(c, "gunicorn", flags)
	if text := c.Env["GUNICORN_CMD_ARGS"]; text != "" {
		more, _ := pyapp.Flags(shellwords.Fields(text), short, isValueless)
		inherited := options(c, "GUNICORN_CMD_ARGS", more)
		for i := range inherited {
			inherited[i].report = false // the variable has an entry where it is set
		}
		all = append(inherited, all...)
	}
	var file string
	for _, g := range all {
		switch g.setting {
		case "config":
			file = g.Text()
		case "chdir":
			pyapp.Chdir(s.App, g.Option)
		}
	}
	s.readConf(file, c.Dir)
	if web := c.Env["WEB_CONCURRENCY"]; web != "" && s.Get("kind.workers") == nil {
		pyapp.Count("kind.workers", 1024)(s.App, pyapp.Option{Value: web})
	}
	s.apply(append(all, arguments(c, "gunicorn", rest)...))
	if s.Entry == "" {
		p.Problem(c.Place, "cannot find the app that Gunicorn runs: it is not on the command line, nor in a file of settings")
		return
	}
	s.write()
}

// readConf reads the file of settings, which is gunicorn.conf.py when none is named.
func (s *server) readConf(file, dir string) {
	named := file != ""
	file = strings.TrimPrefix(file, "file:")
	switch {
	case strings.HasPrefix(file, "python:"):
		module := strings.TrimPrefix(file, "python:")
		if file = s.moduleFile(module); file == "" {
			s.confReason = "the module " + module + " is not found: set what it says"
			return
		}
	case !named:
		file = "gunicorn.conf.py"
	}
	if !path.IsAbs(file) {
		if s.Dir != "" {
			dir = s.Dir
		}
		if dir == "" && named {
			dir = s.Beside
		}
		if dir == "" {
			s.confReason = "the folder that it is relative to is not known"
			return
		}
		file = path.Join(dir, file)
	}
	if !named && !s.plan.Files.Exists(file) {
		return
	}
	source, err := s.plan.Files.Read(file)
	if err != nil {
		s.confReason = file + ": " + err.Error()
		s.plan.Problem(s.Place, "cannot read the settings in %q: %v", file, err)
		return
	}
	s.plan.NoteSource(file)
	s.readSettings(source, s.plan.Claim("gunicorn "+file))
}

func (s *server) moduleFile(module string) string {
	if s.Dir == "" {
		return ""
	}
	file := path.Join(s.Dir, strings.ReplaceAll(module, ".", "/")+".py")
	if !s.plan.Files.Exists(file) {
		return ""
	}
	return file
}
