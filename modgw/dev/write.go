package dev

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// write answers with the report in the format that the client accepts.
func (p *report) write(w http.ResponseWriter, accept string) {
	header := w.Header()
	header.Set("X-Modgw-Page", "error")
	for _, name := range policyHeaders {
		header.Del(name)
	}
	switch {
	case strings.Contains(accept, "text/html"):
		header.Set("Content-Type", "text/html; charset=utf-8")
		header.Set("Content-Security-Policy", pagePolicy)
		w.WriteHeader(p.Status)
		// The client may be gone; the error cannot be reported.
		_ = pageTemplate().Execute(w, p.page())
	case strings.Contains(accept, "application/json"):
		header.Set("Content-Type", "application/json")
		w.WriteHeader(p.Status)
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		encoder.SetEscapeHTML(false)
		_ = encoder.Encode(p)
	default:
		header.Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(p.Status)
		fmt.Fprint(w, p.text())
	}
}

// text returns the report for a terminal.
func (p *report) text() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("%d %s  %s", p.Status, p.Title, p.App)
	if p.Place != "" {
		line("%s  %s", p.Place, p.Error)
	} else {
		line("%s", p.Error)
	}
	if p.Traceback != "" {
		line("\n%s", p.Traceback)
	}
	if p.Hint != "" {
		line("\nhint: %s", p.Hint)
	}
	if p.Serving > 0 {
		line("\ngeneration %d still works; send the cookie that %s sets to ask it", p.Serving, p.StillURL)
	}
	if p.Incident != "" {
		line("incident %s", p.Incident)
	}
	return b.String()
}
