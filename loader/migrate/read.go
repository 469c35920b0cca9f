package migrate

import (
	"path/filepath"
	"slices"
	"strings"
)

// Options list the formats that can be read.
type Options struct {
	Readers  []Reader  // formats of files
	Programs []Program // servers that a command line starts
}

// Read reads the sources: files, or folders of them.
func Read(sources []string, o Options) *Plan {
	p := &Plan{Files: &Files{}, options: o}
	for _, named := range sources {
		path, err := filepath.Abs(named)
		if err != nil {
			p.Problem(Place{File: named}, "cannot read it: %v", err)
			continue
		}
		if !p.Files.IsDir(path) {
			p.file(path)
			continue
		}
		files := p.filesIn(path)
		if len(files) == 0 {
			p.Problem(Place{File: path}, "cannot find a configuration in this folder")
		}
		for _, file := range files {
			p.file(file)
		}
	}
	p.finish()
	p.sort(p.sources)
	return p
}

// mainFiles are the files of which a folder of a web server or of Passenger is made, by the path in
// the folder.
var mainFiles = []string{"apache2.conf", "httpd.conf", "conf/httpd.conf", "nginx.conf"}

// filesIn returns the sources in a folder: the main file of a web server, or all its files.
func (p *Plan) filesIn(dir string) (files []string) {
	for _, name := range mainFiles {
		if path := filepath.Join(dir, name); p.Files.Exists(path) {
			return []string{path}
		}
	}
	for _, name := range p.Files.List(dir) {
		path := filepath.Join(dir, name)
		if !strings.HasPrefix(name, ".") && !strings.HasSuffix(name, "~") && !p.Files.IsDir(path) {
			files = append(files, path)
		}
	}
	return files
}

// file reads one file with the reader that knows its content.
func (p *Plan) file(path string) {
	s, err := p.Files.Read(path)
	if err != nil {
		p.Problem(Place{File: path}, "cannot read it: %v", err)
		return
	}
	p.Source(s)
}

// Source reads a source with the reader that is surest of it.
func (p *Plan) Source(s Source) {
	if slices.Contains(p.sources, s.Path) {
		return // read already, as a part of another one
	}
	p.NoteSource(s.Path)
	if line, mark := conflict(s); mark != "" {
		p.Problem(s.Place(line), "cannot read a file with the conflict of a merge in it: %q", mark)
		return
	}
	var best Reader
	surest := 0
	for _, r := range p.options.Readers {
		if sure := r.Recognise(s); sure > surest {
			best, surest = r, sure
		}
	}
	switch {
	case best != nil:
		best.Read(s, p)
	case saysNothing(s):
		p.Notes = append(p.Notes, s.Path+" has comments alone: there is nothing to translate")
	default:
		p.Problem(s.Place(0), "cannot tell what configuration this is")
	}
}

// NoteSource remembers a file that is a part of a source, for the order of the report. It reports
// whether it has not been read before.
func (p *Plan) NoteSource(path string) (first bool) {
	if slices.Contains(p.sources, path) {
		return false
	}
	p.sources = append(p.sources, path)
	return true
}

// Command passes a command line to the program that it starts. It reports whether there is one.
func (p *Plan) Command(c Command) bool {
	for _, program := range p.options.Programs {
		if len(c.Args) > 0 && program.Runs(c.Args) {
			program.Read(c, p)
			return true
		}
	}
	return false
}

// conflict finds the line of a merge conflict.
func conflict(s Source) (line int, mark string) {
	for i, text := range s.Lines() {
		if strings.HasPrefix(text, "<<<<<<< ") || strings.HasPrefix(text, ">>>>>>> ") {
			return i + 1, text
		}
	}
	return 0, ""
}

// saysNothing reports whether a source has only comments and empty lines.
func saysNothing(s Source) bool {
	for _, line := range s.Lines() {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, ";") {
			return false
		}
	}
	return true
}
