package loader

import (
	"encoding/json"
	"io"
)

// The layout of `terraform validate -json`, which editors and their linters support, with a code
// added.
type (
	jsonReport struct {
		FormatVersion string           `json:"format_version"`
		Valid         bool             `json:"valid"`
		ErrorCount    int              `json:"error_count"`
		WarningCount  int              `json:"warning_count"`
		Diagnostics   []jsonDiagnostic `json:"diagnostics"`
	}
	jsonDiagnostic struct {
		Severity Severity     `json:"severity"`
		Code     string       `json:"code"`
		Summary  string       `json:"summary"`
		Detail   string       `json:"detail"`
		Range    *jsonRange   `json:"range,omitempty"`
		Snippet  *jsonSnippet `json:"snippet,omitempty"`
	}
	jsonRange struct {
		Filename string   `json:"filename"`
		Start    Position `json:"start"`
		End      Position `json:"end"`
	}
	jsonSnippet struct {
		Context *string `json:"context"`
		Code    string  `json:"code"`
		Line    int     `json:"start_line"`
		From    int     `json:"highlight_start_offset"`
		To      int     `json:"highlight_end_offset"`
		Values  []any   `json:"values"`
	}
)

// WriteJSON writes the diagnostics for programs, in the layout of terraform validate -json.
func (ds Diagnostics) WriteJSON(w io.Writer) error {
	out := jsonReport{FormatVersion: "1.0", Valid: !ds.HasErrors(), Diagnostics: []jsonDiagnostic{}}
	for _, d := range ds {
		if d.Severity == Error {
			out.ErrorCount++
		} else {
			out.WarningCount++
		}
		out.Diagnostics = append(out.Diagnostics, d.json())
	}
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(out)
}

func (d Diagnostic) json() jsonDiagnostic {
	out := jsonDiagnostic{Severity: d.Severity, Code: d.Code, Summary: d.Summary, Detail: d.Detail}
	if d.Range.Filename != "" {
		out.Range = &jsonRange{d.Range.Filename, atLeastFirst(d.Range.Start), atLeastFirst(d.Range.End)}
	}
	if s := d.Snippet; s != nil {
		out.Snippet = &jsonSnippet{Code: s.Code, Line: s.Line, From: s.From, To: s.To, Values: []any{}}
		if s.Context != "" {
			out.Snippet.Context = &s.Context
		}
	}
	return out
}

// atLeastFirst is p, or the first position of a file for the file as a whole: editors count from 1.
func atLeastFirst(p Position) Position {
	return Position{Line: max(p.Line, 1), Column: max(p.Column, 1), Byte: p.Byte}
}
