package logbook

import (
	"log/slog"
	"path"
	"strings"
	"time"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/control"
)

// WorkerEnds returns the reason why a worker of an app ended last, or could not start, and the
// times of the latest ends, the last one last; "": there is no record.
func (b *Book) WorkerEnds(app modgw.AppName) (why string, at []time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	kept := b.byApp[app]
	if kept == nil {
		return "", nil
	}
	said := "" // last record of the worker that ends next
	for _, e := range kept.entries {
		record := &e.Value.(*entry).record
		if text := attribute(record, "text"); strings.HasPrefix(text, lastWords) {
			said = text
		}
		if key := endings[record.Message]; key != "" {
			why, at = attribute(record, key), append(at, record.Time)
			if said != "" {
				why += ": " + said
			}
			said = ""
		}
	}
	return why, at
}

// lastWords is the beginning of a worker's record if it ends because of an exception.
const lastWords = "cannot go on serving requests"

// endings are the messages about workers that ended or could not start, with the attributes that
// have the reason.
var endings = map[string]string{"worker not started": "error", "worker ended": "reason"}

// attribute returns the value of an attribute of a record, or "".
func attribute(r *control.LogRecord, key string) string {
	for _, a := range r.Attrs {
		if a.Key == key {
			return a.Value
		}
	}
	return ""
}

// Failure returns the log's text about a request that failed, or about the last failure if it has
// no record, with the place in the app's own code. It also returns the place of the last request
// that was interrupted at its time limit. Both are "" if there is none.
func (b *Book) Failure(app modgw.AppName, request string) (what, interrupted string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	kept := b.byApp[app]
	if kept == nil {
		return "", ""
	}
	found := false
	for _, e := range kept.entries {
		record := &e.Value.(*entry).record
		id := attribute(record, "request")
		switch text := attribute(record, "text"); {
		case strings.HasPrefix(text, "request interrupted"):
			interrupted = place(record)
		case record.Level == slog.LevelError.String() && id != "" && !found:
			found = id == request
			what = text
			if at := place(record); text != "" && at != "" {
				what += " (" + at + ")"
			} else if text == "" {
				what = attribute(record, "error")
			}
		}
	}
	return what, interrupted
}

// place returns the place in the app's own code that a record names, or "".
func place(r *control.LogRecord) string {
	file := attribute(r, "file")
	if file == "" {
		return ""
	}
	return path.Base(file) + " line " + attribute(r, "line")
}
