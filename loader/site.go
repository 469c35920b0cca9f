package loader

import (
	"path/filepath"

	"github.com/modgw/modgw/modgw"
)

// publicFolders are where projects keep the files that are meant for the public, the likelier first; "." is the project itself.
var publicFolders = []string{"public", "site", "_site", "dist", "htdocs", "html", "web", "webroot", "www", "."}

// php finds PHP scripts with an index.php. It is nil for a folder without them.
func (p *project) php() *finding {
	found := p.public("index.php")
	if found == nil {
		return nil
	}
	found.what, found.kind, found.command = "PHP scripts", modgw.KindFastCGI, []string{"php-cgi"}
	return found
}

// site finds files with an index.html, which need no program. It is nil for a folder without them.
func (p *project) site() *finding {
	found := p.public("index.html")
	if found == nil {
		return nil
	}
	found.what, found.kind = "Static site", modgw.KindStatic
	return found
}

// public is the folder of public files that has an index; nil without one.
func (p *project) public(index string) *finding {
	for _, folder := range publicFolders {
		if p.has(filepath.Join(folder, index)) {
			return &finding{name: nameFrom(filepath.Base(p.dir)), root: p.dir, public: folder}
		}
	}
	return nil
}

// scriptsOfCGI finds a folder of CGI scripts. It is nil for a project without one.
func (p *project) scriptsOfCGI() *finding {
	for _, e := range p.list("cgi-bin") {
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return &finding{name: nameFrom(base(p.dir)), what: "CGI scripts", kind: modgw.KindCGI, root: p.dir, public: "cgi-bin"}
		}
	}
	return nil
}
