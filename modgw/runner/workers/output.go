package workers

import (
	"strings"
	"sync"
)

// tailLines is the number of lines of output in a fault.
const tailLines = 20

// Tail remembers the last lines that a worker printed. Its zero value is empty.
type Tail struct {
	mu    sync.Mutex
	lines []string
}

// Add takes one or more lines.
func (t *Tail) Add(text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lines = append(t.lines, strings.Split(text, "\n")...)
	if extra := len(t.lines) - tailLines; extra > 0 {
		t.lines = append(t.lines[:0], t.lines[extra:]...)
	}
}

// String is the lines, each with its end.
func (t *Tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.Join(t.lines, "\n")
}
