package dev

import (
	_ "embed"
	"fmt"
	"html/template"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/modgw/modgw/modgw"
)

//go:embed page.html
var pageSource string

//go:embed copy.js
var copySource string

var copyCode = strings.TrimSpace(copySource)

// pageTemplate is parsed with the first page: most programs that have this package show none.
var pageTemplate = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("page").Parse(pageSource))
})

// pagePolicy allows an error page only to run its own two scripts and to receive events.
var pagePolicy = fmt.Sprintf("default-src 'none'; style-src 'unsafe-inline'; script-src %s %s; connect-src 'self'; base-uri 'none'; form-action 'none'",
	script{}.hash(), hashOf(copyCode))

// page is a report as the template shows it.
type page struct {
	*report
	Heading     string
	Kind        string // kind of the error: the part before the colon
	Message     string
	Chain       []exceptionView // the last one first
	Calls       bool            // one of them has a list of calls
	Environment modgw.EnvironmentStatus
	Copy        template.JS
	Live        template.HTML
	Loads       bool
}

type exceptionView struct {
	Title  string
	Calls  bool   // it has a list of calls, and not only a place that a compiler named
	Link   string // relation to the exception shown before it
	Groups []frameGroup
	Omits  int
}

// frameGroup is a frame of the app's own code, or consecutive frames of libraries.
type frameGroup struct {
	Own       bool
	Open      bool // shows its variables
	Libraries string
	Frames    []frameView
}

type frameView struct {
	modgw.Frame
	Name  string
	Lines []lineView
}

type lineView struct {
	Number  int
	Text    string
	Current bool
	Caret   string // space before a mark below the line; "" if there is no mark
}

func (p *report) page() *page {
	v := &page{
		report:      p,
		Heading:     p.heading(),
		Environment: p.environment,
		// Both are this package's own text.
		Copy:  template.JS(copyCode),
		Live:  template.HTML(p.live),
		Loads: p.loads,
	}
	v.Kind, v.Message, _ = strings.Cut(p.Error, ": ")
	if len(p.Exceptions) == 0 {
		v.Kind, v.Message = "", p.Error
	}
	for i, e := range slices.Backward(p.Exceptions) {
		v.Calls = v.Calls || hasCalls(e)
		shown := exceptionView{Title: title(e), Calls: hasCalls(e), Groups: p.groups(e.Frames), Omits: e.Skipped}
		if i+1 < len(p.Exceptions) {
			shown.Link = p.Exceptions[i+1].Link
		}
		v.Chain = append(v.Chain, shown)
	}
	v.openFirst()
	return v
}

// hasCalls reports whether an exception has a list of calls.
func hasCalls(e modgw.Exception) bool {
	return slices.ContainsFunc(e.Frames, func(f modgw.Frame) bool { return f.Function != "" })
}

func (p *report) heading() string {
	switch {
	case !p.loads && strings.HasPrefix(p.Code, "MGW-ENV-") && len(p.Exceptions) == 0:
		return "The environment cannot be built"
	case !p.loads:
		return "The code does not load"
	case len(p.Exceptions) > 0:
		return "The app failed to answer"
	}
	return fmt.Sprintf("%d %s", p.Status, p.Title)
}

// openFirst shows the variables at the place where the app failed.
func (v *page) openFirst() {
	for _, e := range v.Chain {
		for i := range e.Groups {
			if e.Groups[i].Own {
				e.Groups[i].Open = true
				return
			}
		}
	}
}

// groups returns the frames in groups, the innermost first.
func (p *report) groups(frames []modgw.Frame) []frameGroup {
	var groups []frameGroup
	for _, f := range slices.Backward(frames) {
		last := len(groups) - 1
		if f.Own || last < 0 || groups[last].Own {
			groups = append(groups, frameGroup{Own: f.Own})
			last++
		}
		groups[last].Frames = append(groups[last].Frames, p.view(f))
	}
	for i := range groups {
		groups[i].Libraries = libraries(groups[i].Frames)
	}
	return groups
}

func (p *report) view(f modgw.Frame) frameView {
	v := frameView{Frame: f, Name: p.short(f.File)}
	for i, text := range f.Source {
		line := lineView{Number: f.First + i, Text: untabbed.Replace(text), Current: f.First+i == f.Line}
		if line.Current && f.Column > 0 {
			line.Caret = untabbed.Replace(indent(text, f.Column-1))
		}
		v.Lines = append(v.Lines, line)
	}
	return v
}

// untabbed replaces tabs, whose stops would count from the line's number.
var untabbed = strings.NewReplacer("\t", "    ")

// indent returns white space as wide as the first n characters of text.
func indent(text string, n int) string {
	runes := []rune(text)
	runes = runes[:min(n, len(runes))]
	for i, r := range runes {
		if r != '\t' {
			runes[i] = ' '
		}
	}
	return string(runes)
}

// libraries lists the packages that contain the frames.
func libraries(frames []frameView) string {
	var names []string
	for _, f := range frames {
		name, _, found := strings.Cut(f.Name, "/")
		if !found || name == "" {
			name = strings.TrimSuffix(path.Base(f.Name), ".py")
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}
