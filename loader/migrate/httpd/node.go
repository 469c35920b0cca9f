package httpd

import (
	"strings"

	"github.com/modgw/modgw/loader/migrate"
)

// node is a directive, a section, or a line without either: a comment, or an empty one.
type node struct {
	migrate.Place

	name     string // as it is written, without "<"; "" for a comment or an empty line
	args     string // all after the name, before variables are replaced
	text     string // lines of the directive, or of the opening of a section, with their ends
	section  bool
	children []*node
	closing  string // line that closes a section, with its end
}

// key is the name in lower case: Apache's names have no case.
func (n *node) key() string { return strings.ToLower(n.name) }

// title is the name in a report.
func (n *node) title() string {
	if n.section {
		return "<" + n.name + ">"
	}
	return n.name
}

// indent is the white space that the node begins with.
func (n *node) indent() string {
	return n.text[:len(n.text)-len(strings.TrimLeft(n.text, " \t"))]
}

// blank reports whether the node says nothing to Apache.
func (n *node) blank() bool { return n.name == "" }
