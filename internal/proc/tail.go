package proc

import (
	"strings"
	"sync"
)

// tailLines is the number of lines that a Tail remembers.
const tailLines = 20

// Tail remembers the last lines that a process printed. Its zero value is empty.
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

// String returns the lines, joined by newlines.
func (t *Tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.Join(t.lines, "\n")
}
