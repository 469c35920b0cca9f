package nginx

import (
	"errors"
	"path"
	"slices"
	"strings"

	"github.com/modgw/modgw/internal/lazyregexp"
	"github.com/modgw/modgw/internal/webconf"
	"github.com/modgw/modgw/loader/migrate"
)

// Reader reads configurations of nginx: the main file, or one of a folder such as sites-enabled.
type Reader struct{}

// Name returns the name of the format.
func (Reader) Name() string { return "configuration of nginx" }

var (
	blockLine = lazyregexp.New(`(?m)^\s*(?:server|http|upstream\s+\S+|location\s+[^{\n]+)\s*\{`)
	nginxLine = lazyregexp.New(`(?m)^\s*(?:listen|server_name|proxy_pass|uwsgi_pass|fastcgi_pass|include|root|alias|worker_processes)\s+[^;{}]+;`)
)

// Recognise looks for blocks and directives of nginx.
func (Reader) Recognise(s migrate.Source) int {
	if blockLine.MatchString(s.Text) && nginxLine.MatchString(s.Text) {
		return 70
	}
	return 0
}

// syntaxes of templates. $x and ${x} are variables of nginx.
var syntaxes = []migrate.Syntax{migrate.Braces, migrate.ERB, migrate.At, migrate.Percents, migrate.Dunder}

// Read reads a configuration with the files that it includes, when all other sources have been
// read.
func (Reader) Read(s migrate.Source, p *migrate.Plan) {
	p.Front = "nginx"
	p.Finally(migrate.Fronts, func() {
		r := &reading{plan: p, root: path.Dir(s.Path), main: s.Path, files: map[string]*file{}, upstreams: map[string][]string{}}
		top := r.parse(s)
		if top == nil {
			return
		}
		r.collectUpstreams(top)
		r.walk(top, &scope{})
		r.write()
	})
}

// reading is the reading of one configuration.
type reading struct {
	plan      *migrate.Plan
	root      string
	main      string
	files     map[string]*file
	order     []string
	upstreams map[string][]string // addresses by the name of the upstream
}

// file is one file with its changes.
type file struct {
	source migrate.Source
	top    *webconf.Directive
	edits  []edit
	seen   map[int]bool // directives that have an entry, by their first byte
	passes bool         // whether a pass is among the edits
}

// edit replaces the bytes of a directive.
type edit struct {
	from, to int
	text     string
	app      string // name of the app whose directives are inserted; empty: only the text
	host     string
}

// parse reads a file.
func (r *reading) parse(s migrate.Source) *webconf.Directive {
	if f := r.files[s.Path]; f != nil {
		return f.top
	}
	clean, ok := r.plan.Template(s, syntaxes)
	if !ok {
		return nil
	}
	if clean.Text != s.Text {
		line := 1
		for i, text := range s.Lines() {
			if text != clean.Lines()[i] {
				line = i + 1
				break
			}
		}
		r.plan.Problem(s.Place(line), "cannot read a template of nginx's configuration: fill it in, and migrate the result")
		r.plan.Add(s.Place(line), "template", migrate.ByHand, "fill the template in, and migrate the result")
		return nil
	}
	tree, err := webconf.ParseNginx(s.Path, s.Text)
	if err != nil {
		place := s.Place(0)
		if mistake, ok := errors.AsType[*webconf.SyntaxError](err); ok {
			place.Line = mistake.Line
			err = errors.New(mistake.Text)
		}
		r.plan.Problem(place, "cannot read it as nginx does: %v", err)
		return nil
	}
	r.files[s.Path] = &file{source: s, top: &tree.Directive, seen: map[int]bool{}}
	r.order = append(r.order, s.Path)
	return &tree.Directive
}

// parameterFiles are those that come with nginx, which are not read.
var parameterFiles = []string{"uwsgi_params", "fastcgi_params", "fastcgi.conf", "scgi_params", "proxy_params", "mime.types", "snippets/fastcgi-php.conf"}

// included returns the directives of the files that a directive includes.
func (r *reading) included(d *webconf.Directive) (all []*webconf.Directive) {
	for _, known := range parameterFiles {
		if strings.HasSuffix(d.Arg(0), known) {
			return nil
		}
	}
	for _, name := range r.candidates(d.Arg(0), d.File) {
		s, err := r.plan.Files.Read(name)
		if err != nil {
			r.plan.Problem(migrate.Place{File: d.File, Line: d.Line}, "cannot read the file that it includes, %q: %v", name, err)
			continue
		}
		r.plan.NoteSource(name)
		if top := r.parse(s); top != nil {
			all = append(all, top.Children...)
		}
	}
	return all
}

// candidates returns the files of an include. Relative ones begin in nginx's own folder, which is
// above that of a file in sites-enabled.
func (r *reading) candidates(pattern, from string) []string {
	if path.IsAbs(pattern) {
		return r.plan.Files.Glob(pattern)
	}
	for _, dir := range []string{r.root, path.Dir(r.root), path.Dir(from), path.Dir(path.Dir(from))} {
		if found := r.plan.Files.Glob(path.Join(dir, pattern)); len(found) > 0 {
			return found
		}
	}
	return nil
}

// children returns the directives of a block, with those of included files in their places.
func (r *reading) children(d *webconf.Directive) (all []*webconf.Directive) {
	for _, inner := range d.Children {
		all = append(all, inner)
		if inner.Name == "include" {
			all = append(all, r.included(inner)...)
		}
	}
	return all
}

// collectUpstreams notes the servers of upstream blocks.
func (r *reading) collectUpstreams(d *webconf.Directive) {
	for _, inner := range r.children(d) {
		switch inner.Name {
		case "upstream":
			for _, server := range r.children(inner) {
				if server.Name == "server" {
					r.upstreams[inner.Arg(0)] = append(r.upstreams[inner.Arg(0)], server.Arg(0))
				}
			}
		case "http":
			r.collectUpstreams(inner)
		}
	}
}

// appAt returns the app that a pass leads to, nil for none that is migrated.
func (r *reading) appAt(target string) (app *migrate.App, addresses []string) {
	_, address, hasScheme := strings.Cut(target, "://")
	if !hasScheme {
		address = target
	}
	name, _, _ := strings.Cut(address, "/")
	addresses = r.upstreams[name]
	if addresses == nil {
		addresses = []string{address}
	}
	for _, one := range addresses {
		if strings.HasPrefix(one, "unix:") || strings.Contains(one, ":") {
			if found := r.plan.ServedAt(one); len(found) > 0 {
				return found[0], addresses
			}
		} else if found := r.plan.ServedAt(one + ":80"); len(found) > 0 {
			return found[0], addresses
		}
	}
	return nil, addresses
}

// write makes the files of the new configuration that changed.
func (r *reading) write() {
	for _, name := range r.order {
		f := r.files[name]
		if !f.passes {
			continue
		}
		slices.SortFunc(f.edits, func(a, b edit) int { return a.from - b.from })
		w := &migrate.WebFile{Server: "nginx", Name: fileName(name), Source: name}
		at := 0
		text := f.source.Text
		for _, e := range f.edits {
			if e.from < at {
				continue
			}
			from, to := e.from, e.to
			if e.app == "" && e.text == "" {
				from, to = wholeLine(text, from, to)
			}
			w.Parts = append(w.Parts, migrate.Part{Text: text[at:from] + e.text})
			if e.app != "" {
				start := strings.LastIndexByte(text[:from], '\n') + 1
				indent := text[start : start+len(text[start:])-len(strings.TrimLeft(text[start:], " \t"))]
				last := &w.Parts[len(w.Parts)-1]
				if strings.TrimSpace(text[start:from]) == "" {
					last.Text = strings.TrimSuffix(last.Text, text[start:from])
				} else {
					last.Text = strings.TrimRight(last.Text, " \t") + "\n"
					indent += "    "
				}
				w.Parts = append(w.Parts, migrate.Part{Insert: &migrate.Insert{Host: e.host, Apps: []string{e.app}, Indent: indent}})
				if rest := strings.TrimLeft(text[to:], " \t"); strings.HasPrefix(rest, "\n") {
					to = len(text) - len(rest) + 1
				}
			}
			at = to
		}
		w.Parts = append(w.Parts, migrate.Part{Text: text[at:]})
		r.plan.Web = append(r.plan.Web, w)
	}
}

// wholeLine extends a range of bytes to its whole line, if the line has nothing else.
func wholeLine(text string, from, to int) (int, int) {
	start := strings.LastIndexByte(text[:from], '\n') + 1
	rest := strings.TrimLeft(text[to:], " \t")
	if strings.HasPrefix(rest, "#") {
		if end := strings.IndexByte(rest, '\n'); end >= 0 {
			rest = rest[end:]
		}
	}
	if strings.TrimSpace(text[start:from]) != "" || !strings.HasPrefix(rest, "\n") {
		return from, to
	}
	return start, len(text) - len(rest) + 1
}

// fileName is the path of a file below nginx's folder.
func fileName(name string) string {
	if _, below, ok := strings.Cut(name, "/nginx/"); ok {
		return below
	}
	return path.Base(name)
}
