package loader

import (
	"path/filepath"
	"regexp"
	"strings"

	"github.com/modgw/modgw/modgw"
)

var mainPackage = regexp.MustCompile(`(?m)^package\s+main\b`)

// golang finds the program of a Go module: in its root, or the only one below cmd. It is nil for a folder without one.
func (p *project) golang() (*finding, error) {
	if !p.has("go.mod") {
		return nil, nil
	}
	found := &finding{name: nameFrom(filepath.Base(p.dir)), what: "Go program", kind: modgw.KindGo, root: p.dir}
	if p.isProgram(".") {
		return found, nil
	}
	var programs []string
	for _, name := range p.foldersIn("cmd") {
		if p.isProgram("cmd/" + name) {
			programs = append(programs, "./cmd/"+name)
		}
	}
	switch len(programs) {
	case 0:
		return nil, nil
	case 1:
		found.name, found.pkg = nameFrom(filepath.Base(programs[0])), programs[0]
		return found, nil
	}
	return nil, cannotDetect(`write a descriptor with go { package = "…" }`,
		"cannot choose between the programs %s in %q", strings.Join(quoted(programs), ", "), p.dir)
}

// isProgram reports whether a folder has a main package.
func (p *project) isProgram(folder string) bool {
	for _, name := range p.filesIn(folder, ".go") {
		if !strings.HasSuffix(name, "_test.go") && mainPackage.MatchString(p.text(filepath.Join(folder, name))) {
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
