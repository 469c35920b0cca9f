package modgw

// Exception is an exception of a program, with the details that its developer needs. It exists only
// in development, and must not reach anyone else.
type Exception struct {
	Type    string  `json:"type"`              // class, with its module
	Message string  `json:"message"`           // text of the exception
	Link    string  `json:"link,omitempty"`    // to the previous one: "cause" or "context"
	Frames  []Frame `json:"frames"`            // the innermost last
	Skipped int     `json:"skipped,omitempty"` // frames left out
}

// Frame is one call on the way to an exception.
type Frame struct {
	File     string   `json:"file"`             // path of the source
	Line     int      `json:"line"`             // line in File, from 1
	Column   int      `json:"column,omitempty"` // from 1; 0: unknown
	Function string   `json:"function"`         // name of the function
	Own      bool     `json:"own"`              // in the app's own code, not in a library
	First    int      `json:"first,omitempty"`  // the number of the first line of Source
	Source   []string `json:"source,omitempty"` // some lines around Line
	Locals   []Local  `json:"locals,omitempty"` // variables of the function
}

// Local is a variable of a frame, as text.
type Local struct {
	Name  string `json:"name"`  // name of the variable
	Value string `json:"value"` // its value as text
}

// Place returns the innermost frame of the app's own code, else the innermost of all, or nil if
// there is none.
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
