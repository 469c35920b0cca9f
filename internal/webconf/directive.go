package webconf

import (
	"slices"
	"strings"
)

// Directive is a directive, a section or a block.
type Directive struct {
	Name     string       // as written: "ProxyPass", "proxy_pass", `$HTTP["host"]`
	Args     []string     // without quotation marks, and with variables of the file replaced
	File     string       // absolute path of the file that contains it
	Line     int          // first line, from 1
	End      int          // last line; for a section, the line that ends it
	From     int          // its first byte in the text of the file; set by ParseNginx
	To       int          // byte behind its end; set by ParseNginx
	Block    bool         // has Children, even if there are none
	Children []*Directive // content of the section and of the files that it includes
	Parent   *Directive   // section in which it applies; at the top level, the tree's own directive
}

// Is reports whether the directive has one of the names, in upper or lower case.
func (d *Directive) Is(names ...string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return strings.EqualFold(d.Name, name) })
}

// Arg returns an argument by its place, from 0; "" when there are fewer.
func (d *Directive) Arg(i int) string {
	if i < len(d.Args) {
		return d.Args[i]
	}
	return ""
}

// Find returns the children with one of the names, in their order.
func (d *Directive) Find(names ...string) []*Directive { return find(d.Children, names) }

// Tree is a whole configuration.
type Tree struct {
	Directive          // the top, without a name; Children are its directives
	Files     []string // absolute paths of all files that were read, in their order
}

// All calls yield for every directive of the tree, sections before their content, until it returns
// false.
func (t *Tree) All(yield func(*Directive) bool) { walk(t.Children, yield) }

func walk(list []*Directive, yield func(*Directive) bool) bool {
	for _, d := range list {
		if !yield(d) || !walk(d.Children, yield) {
			return false
		}
	}
	return true
}

// Everywhere returns the directives with one of the names, at any depth.
func (t *Tree) Everywhere(names ...string) (found []*Directive) {
	for d := range t.All {
		if d.Is(names...) {
			found = append(found, d)
		}
	}
	return found
}

func find(list []*Directive, names []string) (found []*Directive) {
	for _, d := range list {
		if d.Is(names...) {
			found = append(found, d)
		}
	}
	return found
}

// add appends a directive to a section.
func (d *Directive) add(child *Directive) {
	child.Parent = d
	d.Children = append(d.Children, child)
}
