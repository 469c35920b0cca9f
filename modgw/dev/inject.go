package dev

import (
	"fmt"
	"io"
	"net/http"
	"strings"
)

// wantsScript reports whether the answer to a request can be a page that a browser shows.
func wantsScript(r *http.Request) bool {
	if r.Method != http.MethodGet || r.Header.Get("Range") != "" || !strings.Contains(r.Header.Get("Accept"), "text/html") {
		return false
	}
	switch r.Header.Get("Sec-Fetch-Dest") {
	case "", "document", "iframe", "frame":
		return true
	}
	return false // a script of the page has sent the request
}

// injector inserts the live reload script into a page on its way to the browser. Other responses
// pass through unchanged.
type injector struct {
	http.ResponseWriter
	visit  *visit
	begun  bool
	splice *splice // nil if the response is not a page
}

// WriteHeader sends the response's head, without a length if the length changes.
func (w *injector) WriteHeader(status int) {
	if w.begun {
		return
	}
	if status >= 200 || status == http.StatusSwitchingProtocols {
		w.begun = true
		if isPage(status, w.Header()) {
			w.prepare()
		}
	}
	w.ResponseWriter.WriteHeader(status)
}

// prepare makes room for the script if the page's content security policy allows it.
func (w *injector) prepare() {
	script := w.visit.liveScript()
	nonce, why := admit(w.Header(), script)
	if why != "" {
		w.Header().Set("X-Modgw-Live-Reload", "off: "+why)
		if w.visit.handler.once(string(w.visit.name) + why) {
			w.visit.handler.log.Warn("pages do not follow the code", "app", w.visit.name, "reason", why)
		}
		return
	}
	w.splice = &splice{out: w.ResponseWriter, insert: []byte(script.element(nonce))}
	w.Header().Del("Content-Length")
}

// Write sends p.
func (w *injector) Write(p []byte) (int, error) {
	if !w.begun {
		w.WriteHeader(http.StatusOK)
	}
	if w.splice == nil {
		return w.ResponseWriter.Write(p)
	}
	return w.splice.Write(p)
}

// ReadFrom sends all of src.
func (w *injector) ReadFrom(src io.Reader) (int64, error) {
	if !w.begun {
		w.WriteHeader(http.StatusOK)
	}
	if w.splice == nil {
		return io.Copy(w.ResponseWriter, src)
	}
	return io.Copy(w.splice, src)
}

// Unwrap supports [http.ResponseController].
func (w *injector) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// finish sends the rest of a page that is complete.
func (w *injector) finish() {
	if w.splice != nil {
		w.splice.finish()
	}
}

// isPage reports whether a response, judged by its head, is a complete HTML document.
func isPage(status int, h http.Header) bool {
	if status != http.StatusOK && status < 400 || h.Get("Content-Encoding") != "" || h.Get("X-Modgw-Page") != "" {
		return false
	}
	if strings.HasPrefix(h.Get("Content-Disposition"), "attachment") {
		return false
	}
	kind, _, _ := strings.Cut(h.Get("Content-Type"), ";")
	kind = strings.ToLower(strings.TrimSpace(kind))
	return kind == "text/html" || kind == "application/xhtml+xml"
}

// liveScript returns the script for a page of this visit.
func (v *visit) liveScript() script {
	e := v.handler.event(v.state)
	return script{
		attributes: fmt.Sprintf(` data-modgw-events="%s" data-modgw-revision="%s" data-modgw-styles="%d"`,
			strings.TrimSuffix(string(v.mount), "/")+eventsPath, e.Revision, e.Styles),
	}
}
