package loader

import (
	"path/filepath"
	"strings"

	"github.com/modgw/modgw/modgw"
)

// publicFolders are usual folders of public files, most likely first; "." is the project itself.
var publicFolders = []string{"public", "site", "_site", "dist", "htdocs", "html", "web", "webroot", "www", "."}

// php finds PHP scripts with an index.php. It is nil for a folder without them.
func (p *project) php() *finding { return p.asPHP(p.public("index.php")) }

func (p *project) asPHP(found *finding) *finding {
	if found != nil {
		found.what, found.kind, found.command = "PHP scripts", modgw.KindFastCGI, []string{"php-cgi"}
	}
	return found
}

// site finds files with an index.html, which need no program unless there are PHP scripts among
// them. It is nil for a folder without them.
func (p *project) site() *finding {
	found := p.public("index.html")
	switch {
	case found == nil:
		return nil
	case len(p.filesIn(found.public, ".php")) > 0:
		return p.asPHP(found)
	}
	found.what, found.kind = "Static site", modgw.KindStatic
	return found
}

// public returns the folder of public files with an index, or nil.
func (p *project) public(index string) *finding {
	for _, folder := range publicFolders {
		if p.has(filepath.Join(folder, index)) {
			return &finding{name: nameFrom(filepath.Base(p.dir)), root: p.dir, public: folder}
		}
	}
	return nil
}

// phpAlone finds PHP scripts in the folder itself of which none is called index.php. The one that
// does not look like a part of another answers for the folder.
func (p *project) phpAlone() *finding {
	scripts := p.filesIn(".", ".php")
	if len(scripts) == 0 {
		return nil
	}
	found := p.asPHP(&finding{name: nameFrom(filepath.Base(p.dir)), root: p.dir, public: "."})
	var pages []string
	for _, name := range scripts {
		if stem := strings.TrimSuffix(name, ".php"); strings.EqualFold(stem, filepath.Base(p.dir)) {
			pages = []string{name}
			break
		} else if !isPartOfPHP(stem) {
			pages = append(pages, name)
		}
	}
	if len(pages) != 1 {
		found.note("there is no index.php: set index in fastcgi to the script that answers for the folder")
		return found
	}
	found.index = pages[0]
	found.name = nameFrom(strings.TrimSuffix(pages[0], ".php"))
	for _, other := range scripts {
		if other != pages[0] {
			found.note("saw %s, which is no page for the folder because %s is", other, pages[0])
		}
	}
	return found
}

// isPartOfPHP reports whether a script is named like one that others include.
func isPartOfPHP(stem string) bool {
	if strings.Contains(stem, ".") || strings.HasPrefix(stem, "_") {
		return true // x.config.php, class.x.php
	}
	for _, word := range []string{"config", "settings", "functions", "common", "lib", "autoload", "bootstrap", "version"} {
		if strings.Contains(strings.ToLower(stem), word) {
			return true
		}
	}
	return false
}
