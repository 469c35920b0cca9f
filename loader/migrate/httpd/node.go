package httpd

import (
	"strings"

	"github.com/modgw/modgw/internal/webconf"
	"github.com/modgw/modgw/loader/migrate"
)

// node is a directive, a section, or a line without either.
type node = webconf.HTTPDNode

// titleOf is the name of a node in a report.
func titleOf(n *node) string {
	if n.Section {
		return "<" + n.Name + ">"
	}
	return n.Name
}

// indentOf is the white space that a node begins with.
func indentOf(n *node) string {
	return n.Text[:len(n.Text)-len(strings.TrimLeft(n.Text, " \t"))]
}

// placeOf is the place of a node in its file.
func placeOf(n *node) migrate.Place { return migrate.Place{File: n.File, Line: n.Line} }
