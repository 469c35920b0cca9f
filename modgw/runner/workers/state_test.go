package workers

import (
	"testing"
	"time"
)

func TestBackoffGrowsAndForgets(t *testing.T) {
	var b backoff
	var total time.Duration
	for i, want := range []time.Duration{0, 250 * time.Millisecond, 500 * time.Millisecond, time.Second} {
		if got := b.Failed(); got != want {
			t.Errorf("failure %d: %s, want %s", i+1, got, want)
		}
	}
	for range 100 {
		total = b.Failed()
	}
	if total != maxDelay {
		t.Errorf("in the end: %s", total)
	}
	b.Worked()
	if got := b.Failed(); got != 0 {
		t.Errorf("after a worker has worked: %s", got)
	}
}

func TestImpossibleEventsAreErrors(t *testing.T) {
	var m stateMachine
	if err := m.loaded(); err == nil || m.state != BackingOff {
		t.Errorf("ready before it was started: %v", err)
	}
	for _, event := range []func() error{m.spawned, m.loaded, m.retired, m.stopped, m.exited} {
		if err := event(); err != nil {
			t.Error(err)
		}
	}
	if err := m.stopped(); err == nil || err.Error() != `cannot go from state "ended" to "stopping"` {
		t.Errorf("got %v", err)
	}
}
