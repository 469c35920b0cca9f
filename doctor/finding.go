package doctor

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/modgw/modgw/internal/webconf"
	"github.com/modgw/modgw/modgw"
)

// Severity is the severity of a finding.
type Severity string

// The severities.
const (
	Error   Severity = "error"   // requests fail, or data is at risk
	Warning Severity = "warning" // works for now, or for most requests
)

// Finding is one thing that is wrong.
type Finding struct {
	Code     string   `json:"code"`     // stable; troubleshooting.md has an entry for it
	Severity Severity `json:"severity"` // how bad it is
	// app that is affected; "": all, or none in particular
	App       modgw.AppName `json:"app"`
	File      string        `json:"file"`      // file to change; "": none
	Line      int           `json:"line"`      // line in the file, from 1; 0: none
	Directive string        `json:"directive"` // directive that is wrong or missing; "": none
	Message   string        `json:"message"`   // the fact, in one sentence
	// line to write or command to run; "": see troubleshooting.md
	Fix   string `json:"fix"`
	Fixed bool   `json:"fixed"` // Repair has fixed it

	edits []edit // changes that Repair tries; nil: none
}

// Text is the finding as one line.
func (f Finding) Text() string {
	text := f.Message + " [" + f.Code + "]"
	if f.App != "" {
		text = string(f.App) + ": " + text
	}
	return text
}

// Place is where the finding is to be fixed: file, line and directive, as far as there are any.
func (f Finding) Place() string {
	place := f.File
	if f.Line > 0 {
		place += fmt.Sprintf(":%d", f.Line)
	}
	if f.Directive != "" && place != "" {
		place += ": "
	}
	return place + f.Directive
}

// Repairable reports whether Repair can try to fix the finding.
func (f Finding) Repairable() bool { return len(f.edits) > 0 }

// key is equal for findings that are about the same.
func (f Finding) key() string {
	return fmt.Sprintf("%s %s %s %s", f.Code, f.App, f.File, f.Directive)
}

// problem returns a finding with a code. args are the arguments of the code's message.
func problem(code string, args ...any) Finding {
	entry, ok := catalogue[code]
	if !ok {
		panic("doctor: no code " + code)
	}
	return Finding{Code: code, Severity: entry.severity, Message: fmt.Sprintf(entry.message, args...)}
}

// at sets the location of a finding to a directive.
func (f Finding) at(d *webconf.Directive, directive string) Finding {
	if d != nil {
		f.File, f.Line = d.File, d.Line
	}
	f.Directive = directive
	return f
}

// of sets the app that a finding affects.
func (f Finding) of(app modgw.AppName) Finding {
	f.App = app
	return f
}

// by sets the advice that fixes a finding, and the edits that carry it out.
func (f Finding) by(fix string, edits ...edit) Finding {
	f.Fix, f.edits = fix, edits
	return f
}

// sorted puts errors first, then sorts by location.
func sorted(found []Finding) []Finding {
	slices.SortStableFunc(found, func(a, b Finding) int {
		return cmp.Or(
			cmp.Compare(severityRank(a.Severity), severityRank(b.Severity)),
			cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Code, b.Code), cmp.Compare(a.App, b.App),
		)
	})
	return found
}

func severityRank(s Severity) int { return slices.Index([]Severity{Error, Warning}, s) }
