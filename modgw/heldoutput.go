package modgw

import (
	"context"
	"log/slog"
	"sync"
)

// maxHeld is the number of lines of output that are held. A program prints fewer before it fails to
// start.
const maxHeld = 1000

// heldOutput holds the output of an app while it is started again after a failure. The output is
// logged if the app starts, or fails for a new reason; otherwise an app that is retried again and
// again would fill the log with the same lines. A nil pointer holds nothing.
type heldOutput struct {
	mu      sync.Mutex
	state   holding
	lines   []heldLine
	dropped int // lines that came after maxHeld
}

type heldLine struct {
	to     slog.Handler
	record slog.Record
}

// holding is the treatment of lines.
type holding int

const (
	held      holding = iota // kept until it is known whether they are new
	passed                   // logged as they come
	discarded                // known already
)

// logger returns a logger that passes all records except output to log at once.
func (h *heldOutput) logger(log *slog.Logger) *slog.Logger {
	if h == nil {
		return log
	}
	return slog.New(outputHandler{log.Handler(), h})
}

// pass logs the lines that are held, and those that come from now on.
func (h *heldOutput) pass() {
	if h == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, line := range h.lines {
		_ = line.to.Handle(context.Background(), line.record) // a failing log reports that itself
	}
	if h.dropped > 0 {
		slog.New(h.lines[0].to).Warn("app output dropped", "lines", h.dropped)
	}
	h.state, h.lines, h.dropped = passed, nil, 0
}

// discard drops the lines that are held, and those that come from now on.
func (h *heldOutput) discard() {
	if h == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.state, h.lines, h.dropped = discarded, nil, 0
}

// add takes a line, and reports false when it is to be logged now.
func (h *heldOutput) add(to slog.Handler, r slog.Record) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.state == passed:
		return false
	case h.state == discarded:
	case len(h.lines) == maxHeld:
		h.dropped++
	default:
		h.lines = append(h.lines, heldLine{to, r.Clone()})
	}
	return true
}

// outputHandler gives records of output to a heldOutput, and others to the handler in it.
type outputHandler struct {
	slog.Handler
	held *heldOutput
}

// Handle implements [slog.Handler].
func (o outputHandler) Handle(ctx context.Context, r slog.Record) error {
	if r.Message == AppLine && o.held.add(o.Handler, r) {
		return nil
	}
	return o.Handler.Handle(ctx, r)
}

// WithAttrs implements [slog.Handler].
func (o outputHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return outputHandler{o.Handler.WithAttrs(attrs), o.held}
}

// WithGroup implements [slog.Handler].
func (o outputHandler) WithGroup(name string) slog.Handler {
	return outputHandler{o.Handler.WithGroup(name), o.held}
}
