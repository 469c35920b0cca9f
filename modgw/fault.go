package modgw

import "strings"

// Fault is an error that an administrator can look up. Its text begins with "cannot", quotes names,
// and has separate lines with the output of the failing program and the way to fix it.
type Fault struct {
	Code    string // stable, such as "MGW-ENV-003"; an anchor in troubleshooting.md
	Summary string // one line without the code
	Output  string // last lines of a program's output; "": none
	Hint    string // advice; "": none
	Err     error  // the cause; nil: none

	Exceptions []Exception // exceptions of the program, oldest first; nil outside development
}

// Error is the summary with its cause and code, the output and the hint.
func (f *Fault) Error() string {
	var b strings.Builder
	b.WriteString(f.Line())
	if f.Output != "" {
		b.WriteString("\n" + strings.TrimRight(f.Output, "\n"))
	}
	if f.Hint != "" {
		b.WriteString("\nhint: " + f.Hint)
	}
	return b.String()
}

// Line is the first line of the fault alone: the summary with its cause and code.
func (f *Fault) Line() string {
	line := f.Summary
	if f.Err != nil {
		line += ": " + f.Err.Error()
	}
	return line + " [" + f.Code + "]"
}

// Unwrap returns the cause.
func (f *Fault) Unwrap() error { return f.Err }

// Redacted is the fault without the secrets, and without the credentials of URLs, in its text; f
// itself when it has none.
func (f *Fault) Redacted(secrets []string) *Fault {
	clean := *f
	clean.Hint = RedactString(f.Hint, secrets)
	clean.Summary = RedactString(f.Summary, secrets)
	clean.Output = RedactString(f.Output, secrets)
	if f.Err != nil {
		if text := RedactString(f.Err.Error(), secrets); text != f.Err.Error() {
			clean.Err = &redactedError{f.Err, text}
		}
	}
	if clean.Error() == f.Error() {
		return f
	}
	return &clean
}

// redactedError is an error with another text.
type redactedError struct {
	err  error
	text string
}

func (e *redactedError) Error() string { return e.text }
func (e *redactedError) Unwrap() error { return e.err }
