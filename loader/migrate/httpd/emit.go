package httpd

import (
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/modgw/modgw/loader/migrate"
)

// emit puts the new configuration into the plan: each file that was read, without the lines of
// mod_wsgi. A file that becomes another one in each place that includes it is written into these
// places.
func (c *configuration) emit() {
	e := &emitter{plan: c.plan, inline: map[string]bool{}, macros: map[*node]bool{}}
	for _, m := range c.macros {
		if slices.ContainsFunc(m.uses, func(l *line) bool { return slices.ContainsFunc(l.body, changed) }) {
			m.line.drop = true
			for _, l := range m.ends {
				l.drop = true
			}
			for _, l := range m.uses {
				e.macros[l.node] = true
			}
		}
	}
	instances := map[string][]*file{}
	order := []string{}
	collect(c.top, func(f *file) {
		if instances[f.path] == nil {
			order = append(order, f.path)
		}
		instances[f.path] = append(instances[f.path], f)
	})
	for range len(order) + 1 {
		if !e.findInline(order, instances) {
			break
		}
	}
	for _, path := range order {
		if e.inline[path] {
			continue
		}
		parts := merge(e.lines(instances[path][0].lines))
		c.plan.Web = append(c.plan.Web, &migrate.WebFile{Server: "apache", Name: c.fileName(path), Source: path, Parts: parts})
	}
}

// emitter writes lines as parts.
type emitter struct {
	plan   *migrate.Plan
	inline map[string]bool // files that are written into the places that include them
	macros map[*node]bool  // uses of macros that are written as the macro's lines
}

// collect visits a file and all that it includes.
func collect(f *file, visit func(*file)) {
	visit(f)
	var walk func([]*line)
	walk = func(lines []*line) {
		for _, l := range lines {
			for _, included := range l.files {
				collect(included, visit)
			}
			walk(l.children)
			walk(l.body)
		}
	}
	walk(f.lines)
}

// findInline finds files that are not the same in all places. It reports whether there are more
// than before.
func (e *emitter) findInline(order []string, instances map[string][]*file) (more bool) {
	for _, path := range order {
		if e.inline[path] || len(instances[path]) < 2 {
			continue
		}
		first := merge(e.lines(instances[path][0].lines))
		for _, other := range instances[path][1:] {
			if !reflect.DeepEqual(first, merge(e.lines(other.lines))) {
				e.inline[path], more = true, true
				break
			}
		}
	}
	return more
}

// fileName returns the path of a file in the new configuration: its path below the server's root,
// or next to the main file.
func (c *configuration) fileName(path string) string {
	for _, dir := range []string{c.root, filepath.Dir(c.top.path)} {
		if rel, err := filepath.Rel(dir, path); err == nil && !strings.HasPrefix(rel, "..") {
			return filepath.ToSlash(rel)
		}
	}
	return migrate.CleanName(path)
}

// changed reports whether a line is not in the new configuration as it is.
func changed(l *line) bool {
	return l.drop || l.unwrap || l.other != "" || len(l.before)+len(l.inside)+len(l.after) > 0 || slices.ContainsFunc(l.children, changed) ||
		slices.ContainsFunc(l.body, changed)
}

func (e *emitter) lines(lines []*line) (parts []migrate.Part) {
	space, dropped := true, false // before the line
	for _, l := range lines {
		empty := strings.TrimSpace(l.text) == ""
		if empty && space && dropped {
			continue // the lines between two empty ones are gone
		}
		written := e.line(l)
		if len(written) == 0 {
			dropped = true
			continue
		}
		parts = append(parts, written...)
		space, dropped = empty, false
	}
	return parts
}

func (e *emitter) line(l *line) (parts []migrate.Part) {
	text := func(s string) { parts = append(parts, migrate.Part{Text: e.plan.Written(s)}) }
	parts = append(parts, l.before...)
	switch {
	case l.node.Section:
		inner := e.lines(l.children)
		switch {
		case l.drop:
		case l.unwrap:
			parts = append(parts, inner...)
		case emptied(l):
		default:
			text(l.text)
			parts = append(parts, inner...)
			parts = append(parts, e.written(l.inside)...)
			text(l.close)
		}
	case l.drop:
	case e.macros[l.node]:
		parts = append(parts, e.lines(l.body)...)
	case slices.ContainsFunc(l.files, func(f *file) bool { return e.inline[f.path] }):
		for _, f := range l.files {
			if e.inline[f.path] {
				parts = append(parts, e.lines(f.lines)...)
			} else {
				text(indentOf(l.node) + "Include " + word(f.path) + "\n")
			}
		}
	case l.other != "":
		text(l.other)
	default:
		text(l.text)
	}
	return append(parts, e.written(l.after)...)
}

// written are parts with variables as the template has them.
func (e *emitter) written(parts []migrate.Part) (all []migrate.Part) {
	for _, p := range parts {
		p.Text = e.plan.Written(p.Text)
		all = append(all, p)
	}
	return all
}

// emptied reports whether all that a section had is gone.
func emptied(l *line) bool {
	had := false
	for _, child := range l.children {
		switch {
		case child.node.Name == "":
		case child.drop, child.node.Section && emptied(child):
			had = true
		default:
			return false
		}
	}
	return had && len(l.inside) == 0
}

// merge joins texts that follow each other.
func merge(parts []migrate.Part) (all []migrate.Part) {
	for _, p := range parts {
		if last := len(all) - 1; p.Insert == nil && last >= 0 && all[last].Insert == nil {
			all[last].Text += p.Text
			continue
		}
		all = append(all, p)
	}
	return all
}
