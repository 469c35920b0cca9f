package venv

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"path/filepath"
	"slices"
	"strings"

	"github.com/modgw/modgw/internal/account"
	"github.com/modgw/modgw/modgw"
)

// newestMinor is the newest 3.x that is looked for; looking for missing names is cheap.
const newestMinor = 30

// search is one look for an interpreter.
type search struct {
	builder *Builder
	account *account.Account
	host    hostEnviron
	app     modgw.AppName
	sandbox *modgw.Sandbox // confines the interpreters that are asked; nil: nothing does
	demands []demand
	say     func(format string, args ...any) // called once before the search; nil: no report
}

// sighting is an interpreter that was looked at and not taken.
type sighting struct {
	path  string
	found string // "CPython 3.7.16", "" when it could not be asked
	why   string
}

// find returns the first interpreter that meets all demands.
func (s *search) find(ctx context.Context) (interpreter, error) {
	var seen []sighting
	var old *interpreter
	known := make(map[string]bool)
	for path := range s.candidates(ctx) {
		real, state, err := fileState(path, s.account)
		if errors.Is(err, fs.ErrNotExist) && s.explicit() == "" || known[real] {
			continue
		}
		known[real] = real != ""
		s.announce(answerKey{path, state, uidOf(s.account)})
		i, err := s.builder.ask(ctx, path, s.account, s.sandbox)
		if ctx.Err() != nil {
			return i, context.Cause(ctx)
		}
		if err != nil {
			seen = append(seen, sighting{path, "", err.Error()})
			continue
		}
		mismatch := s.mismatch(i)
		if mismatch == "" && i.tooOld() {
			old, mismatch = &i, "it is older than 3.8"
		}
		if mismatch == "" {
			return i, nil
		}
		seen = append(seen, sighting{path, i.String(), mismatch})
	}
	if old != nil {
		return interpreter{}, s.tooOldFault(*old)
	}
	return interpreter{}, s.notFoundFault(seen)
}

// announce reports that an interpreter has to be asked, unless its answer is known already.
func (s *search) announce(key answerKey) {
	if _, known := s.builder.pythons.Load(key); !known && s.say != nil {
		s.say("finding %s", s.wanted())
		s.say = nil
	}
}

// explicit is the path that the descriptor names, "" when it names none.
func (s search) explicit() string {
	if len(s.demands) == 1 {
		return s.demands[0].path
	}
	return ""
}

func (s search) mismatch(i interpreter) string {
	for _, d := range s.demands {
		if m := d.mismatch(i); m != "" {
			return m
		}
	}
	return ""
}

// wanted returns the demand as text: "Python 3.12".
func (s search) wanted() string {
	texts := make([]string, len(s.demands))
	for i, d := range s.demands {
		texts[i] = d.text
	}
	switch text := strings.Join(texts, " and "); {
	case text == "":
		return "Python 3"
	case s.explicit() != "" || strings.HasPrefix(text, "py"):
		return text
	default:
		return "Python " + text
	}
}

// candidates are the paths where an interpreter may be, the best first.
func (s search) candidates(ctx context.Context) iter.Seq[string] {
	return func(yield func(string) bool) {
		if path := s.explicit(); path != "" {
			yield(path)
			return
		}
		dirs := s.host.pythonDirs()
		sources := []func() []string{
			func() []string { return paths(dirs, s.names()) },
			func() []string { return s.host.pyenvPythons() },
			func() []string { return s.askUV(ctx) },
			func() []string { return paths(dirs, everyName()) },
		}
		if len(s.demands) == 0 {
			// Without a demand the system's python3 is taken.
			sources = slices.Insert(sources, 0, func() []string { return paths(dirs, []string{"python3"}) })
		}
		for _, source := range sources {
			for _, path := range source() {
				if !yield(path) {
					return
				}
			}
		}
	}
}

// names are the file names that an interpreter which meets the demands may have, newest first.
func (s search) names() []string {
	var names []string
	if slices.ContainsFunc(s.demands, func(d demand) bool { return d.implementation == pypy }) {
		for minor := newestMinor; minor >= oldestMinor; minor-- {
			if s.mayBeMinor(minor) {
				names = append(names, fmt.Sprintf("pypy3.%d", minor))
			}
		}
		return append(names, "pypy3", "pypy")
	}
	for minor := newestMinor; minor >= oldestMinor; minor-- {
		if s.mayBeMinor(minor) {
			names = append(names, fmt.Sprintf("python3.%dt", minor), fmt.Sprintf("python3.%d", minor))
		}
	}
	return names
}

func (s search) mayBeMinor(minor int) bool {
	return !slices.ContainsFunc(s.demands, func(d demand) bool { return !d.mayBeMinor(minor) })
}

// everyName returns the names that are looked for last, also to list the interpreters when none
// fits.
func everyName() []string {
	names := []string{"python3", "python"}
	for minor := newestMinor; minor >= 0; minor-- {
		names = append(names, fmt.Sprintf("python3.%d", minor))
	}
	return append(names, "python2.7", "pypy3", "pypy")
}

// paths joins every folder with every name: all folders for the first name, then for the second.
func paths(dirs, names []string) []string {
	var list []string
	for _, name := range names {
		for _, dir := range dirs {
			list = append(list, filepath.Join(dir, name))
		}
	}
	return list
}

// askUV asks uv, which knows the interpreters that it installed itself.
func (s search) askUV(ctx context.Context) []string {
	uv := s.host.find("uv")
	if uv == "" || len(s.demands) == 0 {
		return nil
	}
	wanted := s.demands[0].text
	if bare, ok := strings.CutSuffix(wanted, "t"); ok {
		wanted = bare + "+freethreaded"
	}
	p := process{account: s.account, dir: "/", env: s.host.uvFindEnviron()}
	p.args = []string{uv, "python", "find", "--no-project", "--no-config", wanted}
	out, err := p.output(ctx)
	path := strings.TrimSpace(out)
	if err != nil || !filepath.IsAbs(path) {
		return nil
	}
	return []string{path}
}
