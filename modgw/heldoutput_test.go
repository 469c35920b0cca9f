package modgw

import (
	"log/slog"
	"strings"
	"testing"
)

// TestOutputOfRetriesIsLoggedWhenItIsNew starts an app again and again that prints before it fails,
// as Node.js prints its stack.
func TestOutputOfRetriesIsLoggedWhenItIsNew(t *testing.T) {
	var log strings.Builder
	s := &stage{}
	reason := &Fault{Code: "MGW-PRG-002", Summary: "cannot start", Output: "Error: line 41"}
	s.startErr = func(Descriptor) error {
		last := s.runners[len(s.runners)-1]
		if reason == nil {
			last.config.Log.Info(AppLine, "line", "listening")
			return nil
		}
		for range maxHeld + 5 {
			last.config.Log.Info(AppLine, "line", "printed: "+reason.Output)
		}
		return reason
	}
	g := testGateway(t, s, func(c *Config) { c.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	_ = g.Deploy(t.Context(), descriptor("broken"), "start")
	for range 3 {
		_ = g.Retry(t.Context(), descriptor("broken"), "retry")
	}
	if n := strings.Count(log.String(), "printed: Error: line 41"); n != maxHeld+5 {
		t.Errorf("the first time has %d lines, and so have retries: %d", maxHeld+5, n)
	}
	reason = &Fault{Code: "MGW-PRG-002", Summary: "cannot start", Output: "Error: line 42"}
	_ = g.Retry(t.Context(), descriptor("broken"), "retry")
	if n := strings.Count(log.String(), "printed: Error: line 42"); n != maxHeld {
		t.Errorf("another reason has %d lines", n)
	}
	if !strings.Contains(log.String(), `msg="app output dropped" app=blog generation=5 lines=5`) {
		t.Error("what was not held was not counted")
	}
	reason = nil
	if err := g.Retry(t.Context(), descriptor("fixed"), "retry"); err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(log.String(), "listening")
	if !strings.Contains(after, "generation ready") {
		t.Errorf("the output of the start is not before its end:\n%s", &log)
	}
	s.runners[len(s.runners)-1].config.Log.With("pid", 1).Info(AppLine, "line", "answered")
	if !strings.Contains(log.String(), "answered") {
		t.Error("what it prints while it serves is not logged")
	}
}
