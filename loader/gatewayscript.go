package loader

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/modgw/modgw/internal/lazyregexp"
	"github.com/modgw/modgw/modgw"
)

// fossil is the first line of a CGI script that serves a repository of Fossil.
var fossil = lazyregexp.New(`^#!\s*\S*/fossil\s`)

// gateways are the suffixes of scripts that web servers run, and the kinds that run them. The kind
// with fewer requirements comes first.
var gateways = []struct {
	suffix, what string
	kind         modgw.Kind
}{{".cgi", "CGI script", modgw.KindCGI}, {".fcgi", "FastCGI program", modgw.KindFastCGI}}

// scriptsOfCGI finds a folder of CGI scripts, or a script in the folder itself. It returns nil if
// the project has none.
func (p *project) scriptsOfCGI() (*finding, error) {
	if slices.ContainsFunc(p.list("cgi-bin"), isExecutable) {
		return &finding{name: nameFrom(filepath.Base(p.dir)), what: "CGI scripts", kind: modgw.KindCGI, root: p.dir, public: "cgi-bin"}, nil
	}
	var found *finding
	for _, g := range gateways {
		names := p.gatewayScripts(g.suffix)
		switch {
		case len(names) == 0:
			continue
		case found != nil:
			for _, name := range names {
				found.note("saw %s, not used because a CGI script needs no library for FastCGI", name)
			}
			continue
		case slices.Contains(names, "index"+g.suffix):
			names = []string{"index" + g.suffix}
		case len(names) > 1:
			return nil, cannotDetect("name one in a descriptor, or put them into a folder cgi-bin",
				"cannot choose between the scripts %s in %q", strings.Join(quoted(names), ", "), p.dir)
		}
		found = &finding{name: nameFrom(strings.TrimSuffix(names[0], g.suffix)), what: g.what, kind: g.kind, root: p.dir}
		if g.kind == modgw.KindCGI {
			found.script = names[0]
		} else {
			found.command = []string{"./" + names[0]}
		}
	}
	return found, nil
}

// gatewayScripts returns the executable files of the folder that end with suffix. For ".cgi" it
// includes Fossil's with any name. A script that is not executable is noted.
func (p *project) gatewayScripts(suffix string) []string {
	var names []string
	for _, e := range p.list(".") {
		name := e.Name()
		switch named := strings.HasSuffix(name, suffix); {
		case named && e.Type().IsRegular() && !isExecutable(e):
			p.noted = append(p.noted, fmt.Sprintf("saw %s, not used because it is not executable: chmod +x %s", name, name))
		case !isExecutable(e):
		case named, suffix == ".cgi" && fossil.MatchString(p.text(name)):
			names = append(names, name)
		}
	}
	return names
}

// isExecutable reports whether a file can be run as a program.
func isExecutable(e fs.DirEntry) bool {
	info, err := e.Info()
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}
