package loader

import (
	"encoding/json"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/modgw/modgw/modgw"
)

// plainCommand is a command line that needs no shell.
var plainCommand = regexp.MustCompile(`^[\w./@:+,=-]+(?: +[\w./@:+,=-]+)*$`)

// node finds out how a Node.js project is started: by its start script, else by server.js, as npm start does. It is nil for a
// folder that is none. A script that names node itself is run without npm, which would be one more process for nothing.
func (p *project) node() *finding {
	var pkg struct {
		Name    string
		Scripts struct{ Start, Build string }
	}
	if json.Unmarshal([]byte(p.text("package.json")), &pkg) != nil {
		return nil
	}
	found := &finding{name: nameFrom(filepath.Base(p.dir)), what: "Node.js project", kind: modgw.KindHTTP, root: p.dir}
	start := strings.TrimSpace(pkg.Scripts.Start)
	switch {
	case strings.HasPrefix(start, "node ") && plainCommand.MatchString(start):
		found.command = strings.Fields(start)
	case start != "":
		found.command = []string{"npm", "start"}
	case p.has("server.js"):
		found.command = []string{"node", "server.js"}
	default:
		return nil
	}
	if pkg.Scripts.Build != "" {
		found.note(`saw the script "build", not used because its inputs are not known: build { command = ["npm", "run", "build"] }`)
	}
	return found
}
