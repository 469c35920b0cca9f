package loader

import (
	"cmp"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/modgw/modgw/internal/lazyregexp"
	"github.com/modgw/modgw/modgw"
)

var (
	mainPackage  = lazyregexp.New(`(?m)^package\s+main\b`)
	goModule     = lazyregexp.New(`(?m)^module\s+"?([^\s"]+)`)
	majorVersion = lazyregexp.New(`/v\d+$`)
	readsPort    = lazyregexp.New(`"PORT"|modgw/modgw/app"`)
)

// serverNames are usual names of programs that answer requests, most likely first.
var serverNames = []string{"server", "web", "app", "api", "httpd", "site", "www", "serve"}

// serves is found in the source of a program that answers requests.
var serves = lazyregexp.New(`"net/http"|modgw/modgw/app"|"github\.com/(?:gin-gonic/gin|labstack/echo|gofiber/fiber)`)

// golang finds the program of a Go module: in its root, below cmd, in another folder, or among its
// examples. It returns nil if the folder has none.
func (p *project) golang() (*finding, error) {
	if !p.has("go.mod") {
		return nil, nil
	}
	found := &finding{name: nameFrom(filepath.Base(p.dir)), what: "Go program", kind: modgw.KindGo, root: p.dir}
	if p.isProgram(".") {
		found.hintAtGo(p)
		return found, nil
	}
	programs := p.programsBelow()
	if len(programs) == 0 {
		return nil, nil
	}
	folder, why := p.server(programs)
	if folder == "" {
		return nil, cannotDetect(`write a descriptor with go { package = "./FOLDER" }`,
			"cannot choose between the programs %s in %q", strings.Join(quoted(programs), ", "), p.dir)
	}
	found.pkg = "./" + folder
	if filepath.Dir(folder) == "cmd" {
		found.name = nameFrom(filepath.Base(folder))
	}
	found.hintAtGo(p)
	for _, other := range programs {
		if other != folder {
			found.note("saw ./%s, not used because %s", other, why)
		}
	}
	return found, nil
}

// programsBelow are the folders of main packages below the root: those in cmd, else those in the
// root itself, else examples.
func (p *project) programsBelow() []string {
	for _, folder := range []string{"cmd", ".", "examples"} {
		var programs []string
		for _, name := range p.foldersIn(folder) {
			inner := filepath.Join(folder, name)
			if !strings.HasPrefix(name, ".") && !noApps[inner] && p.isProgram(inner) {
				programs = append(programs, inner)
			}
		}
		if len(programs) > 0 {
			return programs
		}
	}
	return nil
}

// server returns the folder of the one program among several that answers requests, and the reason
// for the choice, or "" if that cannot be determined.
func (p *project) server(programs []string) (folder, why string) {
	if len(programs) == 1 {
		return programs[0], ""
	}
	var answering []string
	for _, folder := range programs {
		if p.anySource(folder, serves) {
			answering = append(answering, folder)
		}
	}
	if len(answering) == 1 {
		return answering[0], fmt.Sprintf("./%s serves HTTP", answering[0])
	}
	if len(answering) > 1 {
		programs = answering
	}
	names := []string{filepath.Base(p.dir)}
	if m := goModule.FindStringSubmatch(p.text("go.mod")); m != nil {
		names = append(names, filepath.Base(majorVersion.ReplaceAllString(m[1], "")))
	}
	for _, name := range append(names, serverNames...) {
		for _, folder := range programs {
			if filepath.Base(folder) == name {
				return folder, fmt.Sprintf("./%s is named like the project or like a server", folder)
			}
		}
	}
	return "", ""
}

// hintAtGo adds comments for a program that does not read $PORT.
func (f *finding) hintAtGo(p *project) {
	if p.anySource(cmp.Or(f.pkg, "."), readsPort) {
		f.hint(stripHint)
		return
	}
	f.hint(`args = ["-addr", "127.0.0.1:$PORT"]   # for a program that does not read the variable PORT itself`)
	f.hint(stripHint)
}

// isProgram reports whether a folder has a main package.
func (p *project) isProgram(folder string) bool { return p.anySource(folder, mainPackage) }

// anySource reports whether a Go file of a folder has something, tests aside.
func (p *project) anySource(folder string, has *lazyregexp.Regexp) bool {
	for _, name := range p.filesIn(folder, ".go") {
		if !strings.HasSuffix(name, "_test.go") && has.MatchString(p.text(filepath.Join(folder, name))) {
			return true
		}
	}
	return false
}

// foldersIn are the names of the folders in a folder of the project.
func (p *project) foldersIn(folder string) []string {
	var names []string
	for _, e := range p.list(folder) {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names
}
