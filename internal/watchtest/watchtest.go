// Package watchtest waits for conditions in tests, and reads logs that are written concurrently.
//
// It is only for tests, and imports no package of this module.
package watchtest

import (
	"strings"
	"sync"
	"testing"
	"time"
)

// Patience is the longest wait of a test for a necessary event: longer than any event takes on a
// machine that is busy with other work. A test that passes never waits so long.
const Patience = 2 * time.Minute

// The interval between two looks of Eventually: at first the shortest, and then longer each time,
// because looking takes processor time from the observed processes.
const (
	shortest = 2 * time.Millisecond
	longest  = 20 * time.Millisecond
)

// Eventually waits for a condition, and fails the test if it does not become true within Patience.
func Eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	limit := time.Now().Add(Patience)
	for pause := shortest; !condition(); pause = min(pause*5/4, longest) {
		if time.Now().After(limit) {
			t.Fatalf("%s: it did not happen", what)
		}
		time.Sleep(pause)
	}
}

// Log can be read while it is written. Its zero value is empty.
type Log struct {
	mu   sync.Mutex
	text strings.Builder
}

// Write implements [io.Writer].
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// String returns the text written.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// Has reports whether a text was written.
func (l *Log) Has(text string) bool { return strings.Contains(l.String(), text) }

// Count returns how often a text was written.
func (l *Log) Count(text string) int { return strings.Count(l.String(), text) }

// Reset discards the text written.
func (l *Log) Reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.Reset()
}
