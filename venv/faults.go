package venv

import (
	"fmt"
	"strings"

	"github.com/modgw/modgw/modgw"
)

func (s search) notFoundFault(seen []sighting) error {
	if path := s.explicit(); path != "" {
		f := &modgw.Fault{
			Code:    "MGW-ENV-002",
			Summary: fmt.Sprintf("cannot run %q as the Python of app %q", path, s.app),
			Hint:    "set python.version to an interpreter that exists and that the app's user may run" + s.lastUsed(),
		}
		if len(seen) > 0 {
			f.Err = fmt.Errorf("%s", seen[0].why)
		}
		return f
	}
	var asked []string
	for _, d := range s.demands {
		asked = append(asked, fmt.Sprintf("%s in %s", d.text, d.from))
	}
	if len(asked) == 0 {
		asked = []string{"3.8 or newer"}
	}
	return &modgw.Fault{
		Code:    "MGW-ENV-003",
		Summary: fmt.Sprintf("cannot find a Python for app %q that fits %q", s.app, strings.Join(asked, ", ")),
		Output:  sightings(seen),
		Hint: "install such a Python (apt install python3.X, pyenv install, uv python install), " +
			"or set python.version to one of those above or to a path" + s.lastUsed(),
	}
}

func (s search) tooOldFault(i interpreter) error {
	return &modgw.Fault{
		Code:    "MGW-ENV-004",
		Summary: fmt.Sprintf("cannot use %s at %q for app %q: apps need Python 3.8 or newer", i, i.Path, s.app),
		Hint:    "set python.version to a newer one",
	}
}

// sightings lists the interpreters that were examined.
func sightings(seen []sighting) string {
	if len(seen) == 0 {
		return "no Python was found in PATH, /usr/bin, /usr/local/bin and pyenv's versions"
	}
	var b strings.Builder
	for _, s := range seen {
		if s.found != "" {
			fmt.Fprintf(&b, "%s is %s: %s\n", s.path, s.found, s.why)
		} else {
			fmt.Fprintf(&b, "%s cannot be asked: %s\n", s.path, s.why)
		}
	}
	return b.String()
}

// lastUsed reminds of the interpreter that the app's newest environment was built with, when it is
// gone.
func (s search) lastUsed() string {
	m, ok := s.builder.newestOf(s.app)
	if !ok {
		return ""
	}
	if _, _, err := fileState(m.Interpreter, s.account); err == nil {
		return ""
	}
	return fmt.Sprintf("; interpreter %q not found (was %s)", m.Interpreter, m.Version)
}

func keptChanging(app modgw.AppName) error {
	return &modgw.Fault{
		Code:    "MGW-ENV-017",
		Summary: fmt.Sprintf("cannot build the environment of app %q: its inputs changed during each of %d builds", app, attempts),
		Hint:    "something rewrites the requirements all the time; stop it, then reload",
	}
}
