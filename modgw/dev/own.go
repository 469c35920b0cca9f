package dev

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/modgw/modgw/modgw"
)

// The paths that the development mode answers itself, below every app's mount.
const (
	eventsPath = "/-/modgw/events"
	stillPath  = "/-/modgw/still"
)

// serveOwn answers requests for the development mode's own paths. It reports false for all others.
func (h *Handler) serveOwn(w http.ResponseWriter, r *http.Request, name modgw.AppName) bool {
	requested := modgw.RequestInfoOf(r).Path
	switch {
	case r.Method != http.MethodGet:
		return false
	case strings.HasSuffix(requested, eventsPath):
		h.serveEvents(w, r, name)
	case strings.HasSuffix(requested, stillPath):
		h.serveStill(w, r)
	default:
		return false
	}
	return true
}

// event is an event that is sent to pages.
type event struct {
	Revision string `json:"revision"` // pages of another revision are outdated
	Styles   int    `json:"styles"`   // style sheets of another number are outdated
}

func (h *Handler) event(s state) event {
	return event{Revision: fmt.Sprintf("%s.%d", h.run, s.revision), Styles: s.styles}
}

// serveEvents sends a stream of server-sent events (HTML Living Standard, section 9.2) with the
// state, at once and after every change. It ends with the host, and the browser reconnects.
func (h *Handler) serveEvents(w http.ResponseWriter, r *http.Request, name modgw.AppName) {
	header := w.Header()
	header.Set("Content-Type", "text/event-stream")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Accel-Buffering", "no")
	control := http.NewResponseController(w)
	send := func(s state) bool {
		text, err := json.Marshal(h.event(s))
		if err != nil {
			return false
		}
		if _, err := fmt.Fprintf(w, "retry: 500\ndata: %s\n\n", text); err != nil {
			return false
		}
		return control.Flush() == nil
	}
	for {
		now, changed := h.app(name).watch()
		if !send(now) {
			return
		}
		select {
		case <-changed:
		case <-r.Context().Done():
			return
		case <-h.closed.Done():
			return
		}
	}
}

// stillCookie contains the generation that a browser wants to see although newer code does not
// load.
const stillCookie = "modgw_still"

// serveStill shows a browser a generation that still works, until code loads again.
func (h *Handler) serveStill(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	http.SetCookie(w, &http.Cookie{
		Name: stillCookie, Value: q.Get("of"), Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Location", localTarget(q.Get("to")))
	w.WriteHeader(http.StatusSeeOther)
}

// stillURL returns the URL at which serveStill redirects the browser to the original target.
func (v *visit) stillURL(r *http.Request, serving int) string {
	q := url.Values{"of": {v.stillValue(serving)}, "to": {modgw.RequestInfoOf(r).RawTarget}}
	return strings.TrimSuffix(string(v.mount), "/") + stillPath + "?" + q.Encode()
}

// stillValue names a generation of one app in one run of the host.
func (v *visit) stillValue(generation int) string {
	return fmt.Sprintf("%s.%s.%d", v.handler.run, v.name, generation)
}

// acceptsOld reports whether the browser has asked for the generation that still serves.
func (v *visit) acceptsOld(r *http.Request) bool {
	serving := v.state.failure.Serving
	for _, c := range r.CookiesNamed(stillCookie) {
		if serving > 0 && c.Value == v.stillValue(serving) {
			return true
		}
	}
	return false
}

// localTarget returns target if it cannot lead to another host, and otherwise "/".
func localTarget(target string) string {
	if !strings.HasPrefix(target, "/") || strings.HasPrefix(target, "//") || strings.ContainsAny(target, "\\\r\n") {
		return "/"
	}
	return target
}
