package modgw

// Exception is what a program raised, in the detail that its developer wants to see. Only
// development has it: nothing of it may reach anybody else.
type Exception struct {
	Type    string  `json:"type"`
	Message string  `json:"message"`
	Link    string  `json:"link,omitempty"` // to the one before it: "cause" or "context"; "" for the first
	Frames  []Frame `json:"frames"`         // the innermost last
	Skipped int     `json:"skipped,omitempty"`
}

// Frame is one call on the way to an exception.
type Frame struct {
	File     string   `json:"file"`
	Line     int      `json:"line"`
	Column   int      `json:"column,omitempty"` // from 1; 0: unknown
	Function string   `json:"function"`
	Own      bool     `json:"own"`              // in the app's own code, not in a library
	First    int      `json:"first,omitempty"`  // the number of the first line of Source
	Source   []string `json:"source,omitempty"` // some lines around Line
	Locals   []Local  `json:"locals,omitempty"`
}

// Local is a variable of a frame, as text.
type Local struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Place is the innermost frame of the app's own code, else the innermost of all; nil without one.
func Place(exceptions []Exception) *Frame {
	var last *Frame
	for i := len(exceptions) - 1; i >= 0; i-- {
		frames := exceptions[i].Frames
		for j := len(frames) - 1; j >= 0; j-- {
			if frames[j].Own {
				return &frames[j]
			}
			if last == nil {
				last = &frames[j]
			}
		}
	}
	return last
}
