package uwsgi

import (
	"path"
	"strings"

	"github.com/modgw/modgw/internal/lazyregexp"
	"github.com/modgw/modgw/loader/migrate"
)

// Reader reads configuration files of uWSGI.
type Reader struct{}

// syntaxes of templates that occur in configurations of uWSGI. $(X) and %(x) are its own.
var syntaxes = []migrate.Syntax{migrate.Braces, migrate.ERB, migrate.At, migrate.Percents, migrate.ShellPath, migrate.Shell, migrate.Dunder, migrate.Brace}

// Name returns the name of the format.
func (Reader) Name() string { return "uWSGI configuration" }

var (
	iniSection  = lazyregexp.New(`(?m)^\s*\[uwsgi\]`)
	xmlElement  = lazyregexp.New(`(?i)<uwsgi[\s>]`)
	yamlSection = lazyregexp.New(`(?m)^uwsgi:\s*(?:#.*)?$`)
	jsonSection = lazyregexp.New(`^\s*\{\s*"uwsgi"\s*:`)
)

// Recognise looks for the section, element or object that is called uwsgi.
func (Reader) Recognise(s migrate.Source) int {
	switch {
	case iniSection.MatchString(s.Text):
		return 90
	case jsonSection.MatchString(s.Text), yamlSection.MatchString(s.Text), xmlElement.MatchString(s.Text):
		return 80
	}
	return 0
}

// parse reads the lines of a file in the format that its content has.
func parse(s migrate.Source, p *migrate.Plan) []line {
	text := strings.TrimSpace(s.Text)
	switch {
	case iniSection.MatchString(s.Text):
		return parseINI(s, p)
	case strings.HasPrefix(text, "<"):
		return parseXML(s, p)
	case strings.HasPrefix(text, "{"):
		return parseJSON(s, p)
	case yamlSection.MatchString(s.Text):
		return parseYAML(s, p)
	}
	return parseINI(s, p)
}

// Read reads a configuration with its includes, and the vassals of an Emperor if no command line
// among the sources names it.
func (Reader) Read(s migrate.Source, p *migrate.Plan) {
	p.Finally(migrate.Rest, func() {
		if p.Claim("uwsgi " + s.Path) {
			readVassal(s, p, "")
		}
	})
}

func readVassal(s migrate.Source, p *migrate.Plan, vassals string) {
	s, ok := p.Template(s, syntaxes)
	if !ok {
		return
	}
	r := newReading(p)
	r.vassals = vassals
	r.file(parse(s, p), "uwsgi")
	r.finish(s.Path, "", s.Place(1))
}

// emperor reads the vassals of a folder or pattern. It returns how many there are.
func (r *reading) emperor(value string) (n int, reason string) {
	scheme, rest, hasScheme := strings.Cut(value, "://")
	switch {
	case hasScheme && scheme != "dir" && scheme != "glob":
		return 0, "the vassals are not in files: write a configuration for each, and migrate those"
	case hasScheme:
		value = rest
	}
	if !path.IsAbs(value) {
		return 0, "the folder that it is relative to is not known: name the vassals themselves to migrate"
	}
	pattern := value
	if r.plan.Files.IsDir(value) {
		pattern = path.Join(value, "*.{ini,xml,yml,yaml,json,js}")
	} else if !strings.ContainsAny(value, "*?[") {
		return 0, "there is no such folder here: name the vassals themselves to migrate"
	}
	for _, file := range r.plan.Files.Glob(pattern) {
		s, err := r.plan.Files.Read(file)
		if err != nil {
			r.plan.Problem(migrate.Place{File: file}, "cannot read it: %v", err)
			continue
		}
		n++
		r.plan.NoteSource(file)
		if r.plan.Claim("uwsgi " + file) {
			readVassal(s, r.plan, strings.TrimSuffix(value, "/"))
		}
	}
	return n, ""
}
