package modgw

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"strconv"
	"strings"
)

//go:embed servefault.html
var faultHTML string

var faultTemplate = template.Must(template.New("fault").Parse(faultHTML))

// retryAfter is the Retry-After of a 503 answer, in seconds.
const retryAfter = 5

// ServeFault answers a request that the app did not answer: with status, a short text and the
// request's id, which is also in the log and in the header X-Request-Id. Only in development (dev)
// does the answer contain f, traceback included. The answer is HTML, JSON or plain text, as the
// client asks for. It logs nothing.
func ServeFault(w http.ResponseWriter, r *http.Request, status int, f *Fault, dev bool) {
	info := RequestInfoOf(r)
	info.cause = f.Code
	answer := faultAnswer{
		Status:   status,
		Title:    http.StatusText(status),
		Incident: info.ID,
	}
	if dev {
		answer.Code, answer.Error, answer.Output, answer.Hint = f.Code, f.Line(), f.Output, f.Hint
	}
	header := w.Header()
	for _, name := range []string{"Content-Length", "Content-Encoding", "ETag", "Last-Modified", "Set-Cookie"} {
		header.Del(name)
	}
	if status == http.StatusServiceUnavailable && header.Get("Retry-After") == "" {
		header.Set("Retry-After", strconv.Itoa(retryAfter))
	}
	if answer.Incident != "" {
		header.Set("X-Request-Id", answer.Incident)
	}
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	if page := developerPageOf(r.Context()); dev && page != nil {
		page(w, r, status, f)
		return
	}
	if !dev && info.serveErrorPage(w, r, status) {
		return
	}
	answer.write(w, r.Header.Get("Accept"))
}

// faultAnswer is the content of an answer of ServeFault, in any format.
type faultAnswer struct {
	Status   int    `json:"status"`
	Title    string `json:"title"`
	Incident string `json:"incident,omitempty"`
	Code     string `json:"code,omitempty"`
	Error    string `json:"error,omitempty"`
	Output   string `json:"output,omitempty"`
	Hint     string `json:"hint,omitempty"`
}

func (a faultAnswer) write(w http.ResponseWriter, accept string) {
	switch {
	case strings.Contains(accept, "text/html"):
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(a.Status)
		// The client may be gone, so an error does not matter.
		_ = faultTemplate.Execute(w, a)
	case strings.Contains(accept, "application/json"):
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(a.Status)
		_ = json.NewEncoder(w).Encode(a)
	default:
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(a.Status)
		fmt.Fprint(w, a.text())
	}
}

func (a faultAnswer) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d %s\n", a.Status, a.Title)
	for _, line := range []string{a.Error, a.Output} {
		if line != "" {
			fmt.Fprintf(&b, "%s\n", strings.TrimRight(line, "\n"))
		}
	}
	if a.Hint != "" {
		fmt.Fprintf(&b, "hint: %s\n", a.Hint)
	}
	if a.Incident != "" {
		fmt.Fprintf(&b, "incident %s\n", a.Incident)
	}
	return b.String()
}
