package httpd

import (
	"github.com/modgw/modgw/loader/migrate"
)

// fact is a directive in force, with the sections around it.
type fact struct {
	*line

	words []string
	host  *virtualHost // never nil: the main server has one too
	in    []section    // Directory, Location, Files and similar sections, the outermost first
}

// key is the name of the directive in lower case.
func (f *fact) key() string { return f.node.Key() }

// arg returns a word; "" when there are not so many.
func (f *fact) arg(i int) string {
	if i < len(f.words) {
		return f.words[i]
	}
	return ""
}

// section is a section whose directives count for some requests only.
type section struct {
	// "directory", "directorymatch", "location", "locationmatch", "files", "filesmatch", "if",
	// "limit" …
	kind  string
	name  string // folder, URL path, name of a file, or regular expression
	regex bool
	line  *line
}

// virtualHost is a <VirtualHost>, or the main server.
type virtualHost struct {
	line    *line // nil for the main server
	address []string
	name    string
	aliases []string
}

// main reports whether it is the main server.
func (v *virtualHost) main() bool { return v.line == nil }

// names are the host names, the server's own first.
func (v *virtualHost) names() []string {
	if v.name == "" {
		return v.aliases
	}
	return append([]string{v.name}, v.aliases...)
}

// line is a node as it is met while the configuration is walked: once for each file, include and
// use of a macro. The new configuration is made of lines.
type line struct {
	node  *node
	at    migrate.Place // place of the node
	text  string        // text of the node, with a macro's parameters replaced
	close string        // closing of a section

	children []*line
	files    []*file // files that an Include names
	body     []*line // lines of the macro that a Use names

	drop   bool           // the line is not in the new configuration
	other  string         // text that the line has in the new configuration; "": its own
	unwrap bool           // a section whose content stays without it
	before []migrate.Part // written before the line
	inside []migrate.Part // written at the end of a section, before it is closed
	after  []migrate.Part // written after the line
}

// file is a file as it is included in one place.
type file struct {
	path  string
	lines []*line
}
