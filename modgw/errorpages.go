package modgw

import (
	"bytes"
	"io"
	"net/http"
	"strings"
)

// maxErrorPage is the largest size of an error page, in bytes.
const maxErrorPage = 1 << 20

// incidentMark is replaced by the incident in a page.
const incidentMark = "{incident}"

// serveErrorPage answers with the page that the app has for an error of the host's. It reports
// false, and has written nothing, when the app has none, or the client wants no page.
func (i *RequestInfo) serveErrorPage(w http.ResponseWriter, r *http.Request, status int) bool {
	accept := r.Header.Get("Accept")
	if accept != "" && !strings.Contains(accept, "text/html") && !strings.Contains(accept, "*/*") {
		return false
	}
	text, ok := i.readErrorPage(status)
	if !ok {
		return false
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	// the client may be gone
	_, _ = w.Write(bytes.ReplaceAll(text, []byte(incidentMark), []byte(i.ID)))
	return true
}

// readErrorPage reads the page with the rights of the app's user. It ignores a page that cannot be
// read, because an error must not cause another one.
func (i *RequestInfo) readErrorPage(status int) ([]byte, bool) {
	d, ok := i.descriptor()
	if !ok || d.ErrorPages[status] == "" {
		return nil, false
	}
	user, err := d.Account()
	if err != nil {
		return nil, false
	}
	file, err := d.Folder(d.Root, user).Open(d.ErrorPages[status])
	if err != nil {
		if i.gateway != nil {
			i.gateway.log.Warn("error page not served", "app", d.Name, "request", i.ID, "status", status, "error", err.Error())
		}
		return nil, false
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxErrorPage))
	return text, err == nil
}

// descriptor returns the descriptor of the generation that has the request, or else of the app that
// the request is for.
func (i *RequestInfo) descriptor() (d Descriptor, ok bool) {
	switch {
	case i.generation != nil:
		return i.generation.Descriptor, true
	case i.app != nil:
		return i.app.descriptor(), true
	}
	return d, false
}
