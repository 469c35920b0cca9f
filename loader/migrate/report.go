package migrate

import (
	"cmp"
	"fmt"
	"slices"
)

// Became is the outcome of a directive.
type Became string

// Outcomes of a directive.
const (
	// a setting of a descriptor, or a line of the new configuration
	Translated Became = "translated"
	NotNeeded  Became = "not-needed" // nothing; the reason explains why it is not missed
	ByHand     Became = "by-hand"    // nothing yet; the reason has the administrator's task
)

// Entry is the outcome of one directive, or of one option of a directive.
type Entry struct {
	File string `json:"file"` // as it was named or included
	// first line of the directive, from 1; 0: the file as a whole
	Line int `json:"line"`
	// "WSGIScriptAlias", or with an option "WSGIDaemonProcess threads"
	Directive string `json:"directive"`
	Became    Became `json:"became"`
	Reason    string `json:"reason"` // the translation, why it is not needed, or the task
}

// Report has an entry for every directive and option of the sources.
type Report struct {
	Entries []Entry // in the order of files and lines when all is read
}

// Add appends an entry. The reason is a phrase or a sentence of plain text without a full stop at
// its end.
func (r *Report) Add(at Place, directive string, became Became, reason string, args ...any) {
	if len(args) > 0 {
		reason = fmt.Sprintf(reason, args...)
	}
	r.Entries = append(r.Entries, Entry{at.File, at.Line, directive, became, Show(reason)})
}

// sort orders the entries by file and line. Those of one line stay as they were added.
func (r *Report) sort(files []string) {
	slices.SortStableFunc(r.Entries, func(a, b Entry) int {
		return cmp.Or(
			cmp.Compare(slices.Index(files, a.File), slices.Index(files, b.File)),
			cmp.Compare(a.Line, b.Line),
		)
	})
}

// Count returns how many entries became that.
func (r *Report) Count(became Became) (n int) {
	for _, e := range r.Entries {
		if e.Became == became {
			n++
		}
	}
	return n
}

// Place is a line of a source.
type Place struct {
	File string // path of the source
	Line int    // from 1; 0: the file as a whole
}

// String is "httpd.conf:12", or the file alone.
func (p Place) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d", p.File, p.Line)
}

// Problem is something of a source that could not be read.
type Problem struct {
	Place
	Text string // begins with "cannot"
}

func (p Problem) String() string { return p.Place.String() + ": " + p.Text }
