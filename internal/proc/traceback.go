package proc

import "strings"

// maxTraceback is the length at which a traceback is passed on although more of it may follow.
const maxTraceback = 128 << 10

// traceback collects the lines of a Python traceback, with the chained ones before it:
//
//	Traceback (most recent call last):
//	  File "app.py", line 1, in <module>
//	ValueError: bad
//	                                                                   (an empty line)
//	During handling of the above exception, another exception occurred:
type traceback struct {
	text      strings.Builder
	concluded bool // the line that names the exception has arrived
}

// open reports whether there are lines that wait for more.
func (t *traceback) open() bool { return t.text.Len() > 0 }

// add adds the next line and returns the records that are complete.
func (t *traceback) add(line string) (complete []string) {
	begins := strings.HasSuffix(line, "Traceback (most recent call last):")
	if t.concluded && !begins && !chains(line) {
		complete = t.take()
	}
	if !t.open() && !begins {
		return append(complete, line)
	}
	if t.open() {
		t.text.WriteByte('\n')
	}
	t.text.WriteString(line)
	t.concluded = !begins && (t.concluded || line != "" && !indented(line))
	if t.text.Len() > maxTraceback {
		return t.take()
	}
	return complete
}

// take returns the collected traceback as one record, or no record if there is no traceback.
func (t *traceback) take() []string {
	if !t.open() {
		return nil
	}
	text := strings.TrimRight(t.text.String(), "\n")
	t.text.Reset()
	t.concluded = false
	return []string{text}
}

func indented(line string) bool { return strings.HasPrefix(line, " ") || strings.HasPrefix(line, "\t") }

// chains reports whether a line may occur between two tracebacks of one record.
func chains(line string) bool {
	return line == "" || indented(line) || strings.HasPrefix(line, "During handling of the above exception") ||
		strings.HasPrefix(line, "The above exception was the direct cause")
}
