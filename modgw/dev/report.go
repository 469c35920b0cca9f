package dev

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/modgw/modgw/internal/lazyregexp"
	"github.com/modgw/modgw/modgw"
)

// report holds the information about a failure for a developer, in any format.
type report struct {
	Status     int               `json:"status"`
	Title      string            `json:"title"`
	App        modgw.AppName     `json:"app"`
	Error      string            `json:"error"`              // one line
	Place      string            `json:"place,omitempty"`    // file:line
	Function   string            `json:"function,omitempty"` // function at that line
	Code       string            `json:"code"`
	Hint       string            `json:"hint,omitempty"`
	Traceback  string            `json:"traceback,omitempty"`
	Exceptions []modgw.Exception `json:"exceptions,omitempty"`
	Request    requestReport     `json:"request"`
	// number of the generation that failed or answered
	Generation int `json:"generation,omitempty"`
	// number of the generation that still works if the newer one does not load
	Serving  int    `json:"serving,omitempty"`
	StillURL string `json:"still,omitempty"` // URL that shows the generation that still works
	// changes since the code was loaded; otherwise the cause of this generation
	Changed  []string `json:"changed,omitempty"`
	Incident string   `json:"incident,omitempty"`

	environment modgw.EnvironmentStatus
	root        string
	live        string // script element that keeps the page up to date; "" if there is none
	loads       bool   // the code was loaded, and failed later
}

// requestReport describes the request.
type requestReport struct {
	Method  string  `json:"method"`
	URL     string  `json:"url"`
	Headers []field `json:"headers"`
	Form    []field `json:"form,omitempty"`
}

type field struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

func (v *visit) report(r *http.Request, status int, f *modgw.Fault) *report {
	info := modgw.RequestInfoOf(r)
	p := &report{
		Status:     status,
		Title:      http.StatusText(status),
		App:        v.name,
		Error:      f.Summary,
		Code:       f.Code,
		Hint:       f.Hint,
		Traceback:  strings.TrimRight(f.Output, "\n"),
		Exceptions: f.Exceptions,
		Request:    v.request(r),
		Incident:   info.ID,
		loads:      true,
	}
	if f.Err != nil {
		p.Error += ": " + f.Err.Error()
	}
	if n := len(f.Exceptions); n > 0 {
		p.Error = title(f.Exceptions[n-1])
	}
	p.describeApp(v)
	if place := modgw.Place(f.Exceptions); place != nil {
		p.Place, p.Function = fmt.Sprintf("%s:%d", p.short(place.File), place.Line), place.Function
	}
	if failure := v.state.failure; failure != nil && failure.Fault == f {
		p.loads = false
		p.Generation, p.Serving, p.Changed = failure.Generation, failure.Serving, v.state.causes
		if p.Serving > 0 {
			p.StillURL = v.stillURL(r, p.Serving)
		}
	}
	if !v.handler.config.Still {
		p.live = v.liveScript().element("")
	}
	return p
}

// describeApp adds the data of the app and of the generation that serves.
func (p *report) describeApp(v *visit) {
	status, err := v.handler.config.Gateway.AppStatus(v.name)
	if err != nil {
		return // it was removed a moment ago
	}
	p.root = status.Root
	if g := status.Generation; g != nil {
		p.Generation, p.Changed, p.environment = g.Number, []string{g.Cause}, g.Environment
	}
}

func (v *visit) request(r *http.Request) requestReport {
	q := requestReport{Method: r.Method, URL: modgw.RequestInfoOf(r).RawTarget}
	add := func(to *[]field, name string, values []string) {
		for _, value := range values {
			*to = append(*to, field{name, mask(name, value)})
		}
	}
	add(&q.Headers, "Host", []string{r.Host})
	for name, values := range r.Header {
		add(&q.Headers, name, values)
	}
	for name, values := range v.body.fields() {
		add(&q.Form, name, values)
	}
	byName := func(a, b field) int { return cmp.Compare(a.Name, b.Name) }
	slices.SortStableFunc(q.Headers, byName)
	slices.SortStableFunc(q.Form, byName)
	return q
}

// masked replaces values that should not be visible to others who see the developer's screen.
const masked = "••••••"

var secretName = lazyregexp.New(`(?i)pass(word|wd|phrase)?|secret|token|api.?key|auth|cookie|credential|private|session|csrf|signature`)

// mask returns value, or masked if the name indicates a secret.
func mask(name, value string) string {
	if value != "" && secretName.MatchString(name) {
		return masked
	}
	return value
}

// title formats an exception like the last line of a traceback.
func title(e modgw.Exception) string {
	if e.Message == "" {
		return e.Type
	}
	return e.Type + ": " + e.Message
}

// short returns a file's name relative to the app's root, or to the folder in which its library is
// installed.
func (p *report) short(file string) string {
	if rest, ok := strings.CutPrefix(file, p.root+"/"); ok && p.root != "" && !strings.Contains(rest, "-packages/") {
		return rest
	}
	for _, folder := range []string{"/site-packages/", "/dist-packages/"} {
		if _, rest, ok := strings.Cut(file, folder); ok {
			return rest
		}
	}
	if m := standardLibrary.FindStringIndex(file); m != nil {
		return file[m[1]:]
	}
	if strings.HasPrefix(file, "<frozen importlib") {
		return "importlib"
	}
	return file
}

// standardLibrary is the folder of a Python's own modules.
var standardLibrary = lazyregexp.New(`/lib/(?:python|pypy)3\.\d+t?/`)
