package gunicorn

import (
	"fmt"
	"slices"
	"strings"

	"github.com/modgw/modgw/internal/lazyregexp"
	"github.com/modgw/modgw/loader"
	"github.com/modgw/modgw/loader/migrate"
	"github.com/modgw/modgw/loader/migrate/pyapp"
	"github.com/modgw/modgw/loader/migrate/pysource"
)

// Reader reads files of settings of Gunicorn on their own: gunicorn.conf.py.
type Reader struct{}

// Name returns the name of the format.
func (Reader) Name() string { return "settings of Gunicorn" }

var (
	settingLine = lazyregexp.New(`(?m)^(bind|workers|worker_class|timeout|accesslog|errorlog|loglevel|wsgi_app|keepalive|threads|max_requests|preload_app|proc_name|worker_connections|backlog|pidfile|graceful_timeout|worker_tmp_dir|access_log_format|chdir|raw_env|forwarded_allow_ips|logconfig_dict) *(?::[^=\n]+)?=[^=]`)
	pythonLine  = lazyregexp.New(`(?m)^(import |from \w[\w.]* import |def \w+\()`)
	sectionLine = lazyregexp.New(`(?m)^\s*[\[<{]`)
)

// Recognise counts assignments to settings of Gunicorn.
func (Reader) Recognise(s migrate.Source) int {
	found := map[string]bool{}
	for _, m := range settingLine.FindAllStringSubmatch(s.Text, -1) {
		found[m[1]] = true
	}
	n := len(found)
	if n == 0 || sectionLine.MatchString(s.Text) && !pythonLine.MatchString(s.Text) && n < 2 {
		return 0
	}
	sure := 20 + 15*min(n, 3)
	if strings.HasSuffix(s.Path, ".py") || pythonLine.MatchString(s.Text) {
		sure += 10
	}
	return min(sure, 70)
}

// Read reads a file of settings when no command line among the sources names it.
func (Reader) Read(source migrate.Source, p *migrate.Plan) {
	p.Finally(migrate.Rest, func() {
		if !p.Claim("gunicorn " + source.Path) {
			return
		}
		s := newServer(&pyapp.App{Place: source.Place(1)}, p)
		if at := strings.LastIndexByte(source.Path, '/'); at >= 0 {
			s.Beside = source.Path[:at]
		}
		s.readSettings(source, true)
		if s.conf == nil {
			return
		}
		if s.Entry == "" {
			s.Entry = "app"
			p.Problem(source.Place(0), "cannot find the app: name the unit or the script with Gunicorn's command line as a source, too")
			return
		}
		s.write()
	})
}

// syntaxes of templates in Python. Others mean something in it.
var syntaxes = []migrate.Syntax{migrate.Braces, migrate.ERB, migrate.At, migrate.Dunder, migrate.Percents}

// readSettings follows a file of settings. report decides whether its lines get entries.
func (s *server) readSettings(source migrate.Source, report bool) {
	source, ok := s.plan.Template(source, syntaxes)
	if !ok {
		s.confReason = "it is a template"
		return
	}
	m := pysource.Read(source.Path, []byte(source.Text), pysource.Options{Environ: s.env, Dir: s.Dir})
	s.conf = m
	var all []given
	for i, b := range m.Bindings {
		g := given{Option: pyapp.Option{Place: source.Place(b.Line), Name: b.Name}, report: report}
		again := slices.ContainsFunc(m.Bindings[i+1:], func(later pysource.Binding) bool { return later.Name == b.Name && later.Sure })
		switch rule := s.rules[b.Name]; {
		case rule == nil:
			g.rule = pyapp.Drop("no setting of Gunicorn, but a name that other lines may use: what they come to is translated")
		case again:
			g.rule = pyapp.Drop("another line sets it again, which counts")
		case !b.Sure:
			g.rule = pyapp.Manual("it depends on a condition that is only known when the file is executed: set it")
		default:
			value, reason := convert(b.Value)
			if reason != "" {
				g.rule = pyapp.Manual(reason + ": set " + b.Name)
				break
			}
			g.Value, g.setting, g.rule = value, b.Name, s.withEnvironment(rule, b)
		}
		all = append(all, g)
	}
	s.apply(all)
	s.otherStatements(source, m, report)
}

// withEnvironment adds to the outcome of a setting that it depends on environment variables.
func (s *server) withEnvironment(rule pyapp.Rule, b pysource.Binding) pyapp.Rule {
	return func(a *pyapp.App, o pyapp.Option) pyapp.Outcome {
		out := rule(a, o)
		var set, unset []string
		for _, name := range b.Env {
			if _, ok := s.env[name]; ok {
				set = append(set, name)
			} else {
				unset = append(unset, name)
			}
		}
		if len(unset) > 0 && out.Became != migrate.NotNeeded {
			out.Reason += "; nothing that was read sets " + strings.Join(unset, ", ")
		}
		if len(set) > 0 && out.Became != migrate.NotNeeded {
			out.Reason += "; with " + strings.Join(set, ", ") + " as the command line's surroundings have it"
		}
		return out
	}
}

// otherStatements adds entries for statements other than settings.
func (s *server) otherStatements(source migrate.Source, m *pysource.Module, report bool) {
	add := func(line int, name string, out pyapp.Outcome) {
		if report {
			out.Report(s.plan, source.Place(line), name)
		}
	}
	for _, entry := range m.Path {
		if entry.Sure {
			add(entry.Line, "sys.path", pyapp.ModulePath(s.App, pyapp.Option{Value: entry.Dir}))
		} else {
			add(entry.Line, "sys.path", pyapp.ByHand("it depends on a condition: set python.path, if %s is needed", migrate.Quote(entry.Dir)))
		}
	}
	for _, v := range m.Environ {
		text, isText := v.Value.(string)
		switch {
		case !v.Sure || !isText:
			reason := pysource.Reason(v.Value)
			if reason == "" {
				reason = "it depends on a condition"
			}
			add(v.Line, "os.environ "+v.Name, pyapp.ByHand("%s: set env", reason))
		default:
			add(v.Line, "os.environ "+v.Name, s.SetEnv(v.Name, text))
		}
	}
	imports := map[int]bool{}
	for _, i := range m.Imports {
		if !imports[i.Line] {
			imports[i.Line] = true
			add(i.Line, "import "+i.Module, pyapp.NotNeeded("the file is not executed"))
		}
	}
	for _, f := range m.Functions {
		if rule := s.rules[f.Name]; rule != nil {
			add(f.Line, f.Name, rule(s.App, pyapp.Option{Name: f.Name}))
		} else {
			add(f.Line, f.Name, pyapp.NotNeeded("a function or class that other lines use: what they come to is translated"))
		}
	}
	for _, l := range m.Changed {
		add(l.Line, "os.chdir", pyapp.Chdir(s.App, pyapp.Option{Value: l.Path}))
	}
	for _, l := range m.Activated {
		add(l.Line, "exec", pyapp.Venv(s.App, pyapp.Option{Value: l.Path}))
	}
	for _, n := range m.Unread {
		add(n.Line, "statement", pyapp.ByHand("%s: see whether a setting depends on it", n.Reason))
	}
	for _, n := range m.Mistakes {
		if report {
			s.plan.Problem(source.Place(n.Line), "cannot read this line as Python: %s", n.Reason)
		}
		add(n.Line, "statement", pyapp.ByHand("it is no Python: %s", n.Reason))
	}
}

// convert converts a value of Python to the value of an option. The reason is "" unless it cannot.
func convert(v pysource.Value) (value any, reason string) {
	if reason := pysource.Reason(v); reason != "" {
		return nil, reason
	}
	switch v := v.(type) {
	case pysource.None:
		return nil, ""
	case pysource.Path:
		return string(v), ""
	case string, bool, int64, float64:
		return v, ""
	case *pysource.List:
		list := []string{}
		for _, item := range v.Items {
			one, reason := convert(item)
			if reason != "" {
				return nil, reason
			}
			list = append(list, fmt.Sprint(one))
		}
		return list, ""
	case *pysource.Dict:
		return "a dictionary", ""
	case *pysource.Computed:
		text, ok := expression(v)
		if !ok {
			return nil, "it is the text of a file"
		}
		return loader.Expression(text), ""
	}
	return nil, "it is not known"
}

// expression is a computed number in HCL.
func expression(v pysource.Value) (string, bool) {
	c, ok := v.(*pysource.Computed)
	if !ok {
		switch v.(type) {
		case int64, float64:
			return fmt.Sprint(v), true
		}
		return "", false
	}
	var args []string
	for _, arg := range c.Args {
		text, ok := expression(arg)
		if !ok {
			return "", false
		}
		args = append(args, text)
	}
	switch c.Op {
	case "cpus":
		return "host.cpus", true
	case "int", "float":
		if isWhole(c.Args[0]) {
			return args[0], true
		}
		return "floor(" + args[0] + ")", true
	case "min", "max":
		return c.Op + "(" + strings.Join(args, ", ") + ")", true
	case "//":
		return "floor(" + operand(c.Args[0], args[0]) + " / " + operand(c.Args[1], args[1]) + ")", true
	case "+", "-":
		return args[0] + " " + c.Op + " " + operand(c.Args[1], args[1]), true
	case "*", "/", "%":
		if c.Op == "*" && args[0] == "1" {
			return args[1], true
		}
		return operand(c.Args[0], args[0]) + " " + c.Op + " " + operand(c.Args[1], args[1]), true
	}
	return "", false
}

// isWhole reports whether a value is a whole number for every number of CPUs.
func isWhole(v pysource.Value) bool {
	switch v := v.(type) {
	case int64:
		return true
	case float64:
		return v == float64(int64(v))
	case *pysource.Computed:
		return v.Op != "/" && !slices.ContainsFunc(v.Args, func(arg pysource.Value) bool { return !isWhole(arg) })
	}
	return false
}

// operand is an operand of * or /, in brackets when it is a sum.
func operand(v pysource.Value, text string) string {
	if c, ok := v.(*pysource.Computed); ok && strings.Contains("+ - * / %", c.Op) && c.Op != "*" {
		return "(" + text + ")"
	}
	return text
}
