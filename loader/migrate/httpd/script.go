package httpd

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/modgw/modgw/internal/lazyregexp"
	"github.com/modgw/modgw/loader/migrate"
	"github.com/modgw/modgw/loader/migrate/pysource"
)

// script has the relevant contents of an app's script.
type script struct {
	*pysource.Module

	python2 string // first line that Python 3 cannot read; "": none
	line    int    // number of that line
}

// python2Alone matches a line that Python 3 cannot read, or a function that it does not have.
var python2Alone = lazyregexp.New(`^\s*(?:print\s+["'\w]|print\s*$|exec\s+["'\w]|except\s+[\w.]+\s*,\s*\w+\s*:|raise\s+\w+\s*,)|(?:^|[^\w.])(?:execfile|unicode|xrange|raw_input)\(`)

// readScript reads the script of an app as syntax; nil when it is not here.
func (c *configuration) readScript(path string) *script {
	if path == "" || migrate.HasVariables(path) || !c.plan.Files.Exists(path) || c.plan.Files.IsDir(path) {
		return nil
	}
	s, err := c.plan.Files.Read(path)
	if err != nil {
		return nil
	}
	found := &script{Module: pysource.Read(path, []byte(s.Text), pysource.Options{Exists: c.plan.Files.Exists, Dir: "/"})}
	for i, line := range s.Lines() {
		if python2Alone.MatchString(line) && !strings.HasPrefix(strings.TrimSpace(line), "#") {
			found.python2, found.line = strings.TrimSpace(line), i+1
			break
		}
	}
	return found
}

// script uses the statements in an app's script that affect its Python. The host runs the script as
// well, so entries of sys.path need not be repeated. A virtual environment has to be named, because
// it selects the Python.
func (p *python) script(m *script) {
	if m == nil {
		return
	}
	for _, l := range m.Activated {
		p.fromScript(l.Path)
	}
	for _, e := range m.Path {
		if sitePackages.MatchString(e.Dir) {
			p.fromScript(e.Dir)
			continue
		}
		p.look(e.Dir)
		if filepath.IsAbs(e.Dir) {
			p.sourceDirs = append(p.sourceDirs, filepath.Clean(e.Dir))
		}
	}
	if m.python2 != "" {
		p.script2 = fmt.Sprintf("line %d of %q is for Python 2 alone (%s): port the script, and the app, to Python 3", m.line, m.File, m.python2)
	}
	for _, note := range m.Mistakes {
		p.notes = append(p.notes, fmt.Sprintf("%s line %d could not be read: %s.", m.File, note.Line, note.Reason))
	}
}

// fromScript uses the virtual environment that a script activates, unless the configuration names
// another one.
func (p *python) fromScript(path string) {
	if p.venv == "" {
		p.home(path)
		p.activated = true
		return
	}
	p.look(path)
}
