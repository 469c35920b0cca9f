package replay

import (
	"fmt"
)

// Parts of an answer that can differ.
const (
	InAnswer = "answer" // one server did not answer
	InStatus = "status"
	InHeader = "header"
	InBody   = "body"
)

// Difference is one between the answers of the two servers.
type Difference struct {
	// In is the part that differs: "answer", "status", "header" or "body".
	In     string `json:"in"`
	Header string `json:"header,omitempty"` // name of the header, and of the cookie
	// status, value, or line of the body; "": there is none
	Old     string `json:"old"`
	New     string `json:"new"`
	OldLine int    `json:"old_line,omitempty"` // line of the body, from 1; 0: not in the body
	NewLine int    `json:"new_line,omitempty"`

	// Before is the line of the body before the one that differs. Of an error that only the new
	// server answers it is the beginning of the body.
	Before string `json:"before,omitempty"`
}

// String describes the difference in one line or several.
func (d Difference) String() string {
	switch d.In {
	case InBody:
		text := fmt.Sprintf("body, line %d:", d.OldLine)
		if d.Before != "" {
			text += "\n    " + d.Before
		}
		return text + "\n  - " + d.Old + "\n  + " + d.New
	case InHeader:
		return fmt.Sprintf("header %s: %s became %s", d.Header, shown(d.Old), shown(d.New))
	}
	text := fmt.Sprintf("%s %s became %s", d.In, d.Old, d.New)
	if d.Before != "" {
		text += ": " + d.Before
	}
	return text
}

func shown(value string) string {
	if value == "" {
		return "nothing"
	}
	return fmt.Sprintf("%q", value)
}
