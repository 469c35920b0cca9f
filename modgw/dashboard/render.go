package dashboard

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"sync"
)

//go:embed templates
var templateFiles embed.FS

var templates = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("").Funcs(functions).ParseFS(templateFiles, "templates/*.html"))
})

// page holds the common data of all pages.
type page struct {
	Title  string
	Root   string // beginning of the paths of all pages
	Assets string // beginning of the paths of all assets
	Form   string // value that forms must send
	Leave  bool   // there is a session to leave
	Events string // path of the events that keep the page up to date; "": none
	Parts  []part // parts that events replace
	Body   any
}

// part is a part of a page that can be replaced.
type part struct {
	Name string // name of its template, and in events
	HTML template.HTML
}

// message is the body of a page that only consists of a text.
type message struct {
	Text string
	Next string // path of the next page; "": none
}

func (d *Dashboard) assetsPath() string { return d.prefix() + "/assets/" + assetsVersion() }

// page returns a page for a visitor.
func (v *visit) page(title string, body any) page {
	return page{Title: title, Root: v.root, Assets: v.assetsPath(), Form: v.form, Leave: v.session != nil, Body: body}
}

// show answers with a page.
func (v *visit) show(status int, name string, p page) { v.render(v.w, status, name, p) }

// refuse answers a browser that has no access.
func (d *Dashboard) refuse(w http.ResponseWriter, status int, title, text string) {
	d.message(w, status, title, text, "")
}

// message answers with a text.
func (d *Dashboard) message(w http.ResponseWriter, status int, title, text, next string) {
	d.render(w, status, "message", page{Title: title, Assets: d.assetsPath(), Body: message{text, next}})
}

func (d *Dashboard) render(w http.ResponseWriter, status int, name string, p page) {
	var text bytes.Buffer
	if err := templates().ExecuteTemplate(&text, name, p); err != nil {
		d.log.Error("page of the dashboard not shown", "page", name, "error", err)
		http.Error(w, "The page cannot be shown; the host's log says why.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = text.WriteTo(w) // a client that has gone needs no answer
}

// renderPart renders a part of a page.
func renderPart(name string, data any) (part, error) {
	var text bytes.Buffer
	err := templates().ExecuteTemplate(&text, "part-"+name, data)
	// made by the template, which has escaped it
	return part{name, template.HTML(text.String())}, err
}
