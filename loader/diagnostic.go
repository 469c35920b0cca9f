package loader

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/modgw/modgw/modgw"
)

// Severity reports whether a diagnostic prevents loading.
type Severity string

// The severities.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
)

// Diagnostic describes one mistake in a file to its author.
type Diagnostic struct {
	Severity Severity // error or warning
	Code     string   // stable, such as "MGW-CFG-004"; an anchor in troubleshooting.md
	Summary  string   // one line
	Detail   string   // the correct form; "" if the summary has it
	Range    Range    // zero: the file as a whole, or no file
	Snippet  *Snippet // the source at the range; nil: none
}

// Range is a piece of a file.
type Range struct {
	Filename   string   // path as it was given
	Start, End Position // first character, and the one after the last
}

// Position is a place in a file.
type Position struct {
	Line   int `json:"line"`   // from 1; 0: the whole file
	Column int `json:"column"` // in characters, from 1
	Byte   int `json:"byte"`   // from 0
}

// Snippet is the first source line of a range.
type Snippet struct {
	Context string // the block it is in: `app "blog", wsgi`; "" at the top of a file
	Code    string // printable; a very long line is cut
	Line    int    // from 1
	From    int    // first byte of Code that is meant
	To      int    // and the byte after the last
}

// Diagnostics are the findings of one load. They are not an error, because an empty list in an
// error is not nil: see [Diagnostics.Err].
type Diagnostics []Diagnostic

// HasErrors reports whether one of them is an error.
func (ds Diagnostics) HasErrors() bool {
	return slices.ContainsFunc(ds, func(d Diagnostic) bool { return d.Severity == Error })
}

// Err is the first error as a fault that also counts the others; nil when there is none.
func (ds Diagnostics) Err() error {
	if fault := ds.Fault(); fault != nil {
		return fault
	}
	return nil
}

// Fault returns the first mistake, with the number of those that follow, or nil if there is none.
func (ds Diagnostics) Fault() *modgw.Fault {
	var fault *modgw.Fault
	more := 0
	for _, d := range ds {
		switch {
		case d.Severity != Error:
		case fault == nil:
			fault = &modgw.Fault{Code: d.Code, Summary: d.Line(), Hint: d.Detail}
		default:
			more++
		}
	}
	if more > 0 {
		fault.Summary += fmt.Sprintf(" (and %d more)", more)
	}
	return fault
}

// Line is the diagnostic's place and summary: "blog.hcl:3:13: Unknown variable".
func (d Diagnostic) Line() string {
	if d.Range.Filename == "" {
		return d.Summary
	}
	return d.Range.String() + ": " + d.Summary
}

// String is "blog.hcl:3:13", or the file's name alone when the range is the whole file.
func (r Range) String() string {
	if r.Start.Line == 0 {
		return r.Filename
	}
	return fmt.Sprintf("%s:%d:%d", r.Filename, r.Start.Line, r.Start.Column)
}

// sorted orders ds by file and position and removes duplicates, such as those about a default that
// many apps share.
func (ds Diagnostics) sorted() Diagnostics {
	slices.SortStableFunc(ds, func(a, b Diagnostic) int {
		return cmp.Or(
			cmp.Compare(a.Range.Filename, b.Range.Filename),
			cmp.Compare(a.Range.Start.Line, b.Range.Start.Line),
			cmp.Compare(a.Range.Start.Byte, b.Range.Start.Byte),
			cmp.Compare(a.Summary, b.Summary),
			cmp.Compare(a.Detail, b.Detail),
		)
	})
	return slices.CompactFunc(ds, func(a, b Diagnostic) bool {
		return a.Code == b.Code && a.Range == b.Range && a.Summary == b.Summary && a.Detail == b.Detail
	})
}
