package dashboard

import (
	"net/http"
	"net/url"
	"slices"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/control"
)

func escape(name modgw.AppName) string { return url.PathEscape(string(name)) }

// requestPage holds the data of the page of one request.
type requestPage struct {
	Root   string
	App    modgw.AppName
	ID     string
	Record *modgw.RequestRecord // nil: it is not kept, or not any more
	Spans  []span
	Log    []control.LogRecord
}

// span is a part of the time of a request.
type span struct {
	Title   string
	Doc     string
	Seconds float64
	From    float64 // its beginning; 1000 is the whole time
	Width   float64 // length, in the same unit
}

// request shows the page of a request that was slow or failed, with its log records.
func (v *visit) request() error {
	p := requestPage{Root: v.root, App: v.name(), ID: v.r.PathValue("id")}
	records, err := v.client.RequestRecords(v.r.Context(), p.App)
	if err != nil {
		return err
	}
	for _, r := range slices.Concat(records.Slow, records.Failed) {
		if r.Request == p.ID {
			p.Record, p.Spans = &r, spansOf(r)
			break
		}
	}
	err = v.client.Logs(v.r.Context(), control.LogQuery{App: p.App, Request: p.ID}, func(r control.LogRecord) bool {
		p.Log = append(p.Log, r)
		return true
	})
	if err != nil {
		return err
	}
	v.show(http.StatusOK, "request", v.page("Request "+p.ID, p))
	return nil
}

// spansOf returns the parts of a request's time, in their order, without parts that took no time.
func spansOf(r modgw.RequestRecord) (spans []span) {
	first, last := min(r.FirstByte, r.Took), min(r.LastByte, r.Took)
	parts := []span{
		{Title: "web server in front", Doc: "until this host had the request", Seconds: r.Front},
		{Title: "queue", Doc: "until a worker could begin", Seconds: min(r.Queued, first)},
		{Title: "app", Doc: "until the first byte of its response", Seconds: first - min(r.Queued, first)},
		{Title: "app, response", Doc: "until it had sent the last byte", Seconds: max(0, last-first)},
		{Title: "client", Doc: "until it had taken the response", Seconds: r.Took - max(first, last)},
	}
	if r.Worker == 0 && r.Tries == 0 {
		parts[2].Title, parts[2].Doc = "host", "until it answered in place of the app"
	}
	total, from := r.Front+r.Took, 0.0
	for _, p := range parts {
		if p.Seconds <= 0 || total <= 0 {
			continue
		}
		p.From, p.Width = 1000*from/total, 1000*p.Seconds/total
		from += p.Seconds
		spans = append(spans, p)
	}
	return spans
}
