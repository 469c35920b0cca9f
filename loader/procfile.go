package loader

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/modgw/modgw/internal/lazyregexp"
	"github.com/modgw/modgw/modgw"
)

var (
	procfileWeb = lazyregexp.New(`(?m)^web:[ \t]*(.+?)[ \t\r]*$`)
	pythonEntry = lazyregexp.New(`^['"]?([A-Za-z_]\w*(?:\.\w+)*)(?::([A-Za-z_]\w*(?:\([^()]*\))?))?['"]?$`)
	portWord    = lazyregexp.New(`\$(?:PORT\b|\{PORT(?::-\d+)?\})`)
)

// pythonServers are servers for Python apps, and whether they speak ASGI.
var pythonServers = map[string]bool{"gunicorn": false, "waitress-serve": false, "uvicorn": true, "hypercorn": true, "daphne": true}

// asksForPort reports whether a program is given its port as an argument, so that nothing else in
// the project is a better description of how it is started.
func (f *finding) asksForPort() bool {
	return slices.ContainsFunc(f.command, func(word string) bool { return strings.Contains(word, "$PORT") })
}

// procfile returns the app of a Procfile: the entry that its web process gives to a server for
// Python apps, which the host replaces, or else the program itself. It returns nil without a web
// process, and for a command that needs a shell.
func (p *project) procfile() *finding {
	m := procfileWeb.FindStringSubmatch(p.text("Procfile"))
	if m == nil {
		return nil
	}
	f := &finding{name: nameFrom(filepath.Base(p.dir)), what: "Procfile", root: p.dir}
	words := strings.Fields(m[1])
	asgi, python := false, false
	for i, word := range words {
		if speaks, is := pythonServers[filepath.Base(word)]; is {
			asgi, python = speaks || strings.Contains(m[1], "uvicorn.workers"), true
			words = words[i+1:]
			break
		}
	}
	if !python {
		if !plainCommand.MatchString(portWord.ReplaceAllString(m[1], "0")) || strings.Contains(words[0], "=") {
			f.note("saw Procfile, not used because its web process needs a shell")
			p.noted = append(p.noted, f.notes...)
			return nil
		}
		f.kind = modgw.KindHTTP
		f.python = strings.HasPrefix(filepath.Base(words[0]), "python") || p.declaration() != "" && !p.has("package.json")
		for _, word := range words {
			f.command = append(f.command, portWord.ReplaceAllString(word, "$$PORT"))
		}
		return f
	}
	for i, word := range words {
		m := pythonEntry.FindStringSubmatch(word)
		if m == nil || i > 0 && strings.HasPrefix(words[i-1], "-") && m[2] == "" && !strings.Contains(word, ".") {
			continue
		}
		text := p.moduleText(m[1])
		if text == "" {
			continue
		}
		callable := m[2]
		switch {
		case callable == "":
			callable = "application"
		case slices.Contains(words, "--factory") && !strings.HasSuffix(callable, ")"):
			callable += "()"
		}
		f.kind, f.entry = modgw.KindWSGI, m[1]+":"+callable
		if asgi {
			f.kind = modgw.KindASGI
		}
		f.note("saw Procfile: the host runs the entry itself, in the place of the server that is named there")
		p.addSource(f, m[1])
		return f
	}
	return nil
}
