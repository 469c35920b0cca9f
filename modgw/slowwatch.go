package modgw

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"
)

const (
	// slowStackTime is how long a worker may take to report the position of a slow request.
	slowStackTime = 2 * time.Second

	// Of an app, mostSlow slow requests are logged in each slowPeriod. The others are counted.
	mostSlow   = 10
	slowPeriod = 10 * time.Second
)

// slowWatch waits until an app has had a request for its limit. It has a timer from when a worker
// gets the request, and a goroutine while the request is logged. Without the setting a request has
// none.
type slowWatch struct {
	limit time.Duration
	log   func(ctx context.Context, s slowRequest)

	mu     sync.Mutex
	state  slowState
	now    slowRequest
	timer  *time.Timer        // nil: no worker has the request yet
	cancel context.CancelFunc // ends the log's wait for the stack; nil unless state is slowLogging
	logged chan struct{}      // closes when the log has ended
}

// slowState is the state of a slowWatch.
type slowState uint8

const (
	slowWatching slowState = iota
	slowLogging            // the limit is passed
	slowEnded              // the request has ended, or may last for ever
)

// slowRequest has the facts about a request at the time when its limit is passed.
type slowRequest struct {
	worker    int           // number of the worker that has it
	tries     int           // how many workers got it
	given     time.Time     // when that worker got it
	firstByte time.Duration // from the head of the request to that of the response; 0: not yet
}

// watchSlow logs a request that is with the app for longer than its limit, until the returned
// function is called.
func (g *Gateway) watchSlow(
	r *http.Request, info *RequestInfo, generation *Generation,
) (end func()) {
	limit := generation.Descriptor.Timeouts.Slow
	if limit <= 0 || info.slow != nil {
		return func() {}
	}
	w := &slowWatch{limit: limit, logged: make(chan struct{})}
	app, method, path := info.app, r.Method, (&url.URL{Path: info.Path}).EscapedPath()
	id, received, trace := info.ID, info.Received, info.TraceID(r)
	w.log = func(ctx context.Context, s slowRequest) {
		more, ok := app.slow.take(time.Now)
		if !ok {
			return
		}
		attrs := []slog.Attr{
			slog.Any("app", app.name), slog.Int("generation", generation.Number),
			slog.Int("worker", s.worker),
			slog.String("request", id), slog.String("method", method), slog.String("path", path),
			slog.Duration("limit", limit), slog.Duration("queued", s.given.Sub(received)),
		}
		if s.firstByte > 0 {
			attrs = append(attrs, slog.Duration("first_byte", s.firstByte))
		}
		if s.tries > 1 {
			attrs = append(attrs, slog.Int("tries", s.tries))
		}
		if more > 0 {
			attrs = append(attrs, slog.Int("not_logged", more))
		}
		if trace != "" {
			attrs = append(attrs, slog.String("trace", trace))
		}
		attrs = append(attrs, whereIs(ctx, generation, id, s.worker)...)
		g.log.LogAttrs(context.Background(), slog.LevelWarn, "slow request", attrs...)
	}
	info.slow = w
	if !info.Given.IsZero() {
		w.give(info.worker, info.tries, info.Given)
	}
	return func() {
		w.end()
		info.slow = nil
	}
}

// whereIs asks the workers of a generation for the stack of a request.
func whereIs(ctx context.Context, generation *Generation, id string, worker int) []slog.Attr {
	locator, ok := generation.runner.(Locator)
	if !ok {
		return nil
	}
	found, _ := locator.Locate(ctx, id)
	for _, l := range found {
		if l.Stack == "" || l.Worker != worker {
			continue
		}
		attrs := []slog.Attr{slog.String("traceback", l.Stack)}
		if l.File != "" {
			attrs = append([]slog.Attr{slog.String("file", l.File), slog.Int("line", l.Line)}, attrs...)
		}
		return attrs
	}
	return nil // it has ended meanwhile, or the interpreter is stuck
}

// give notes that a worker got the request, or another one.
func (w *slowWatch) give(worker, tries int, at time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now.worker, w.now.tries, w.now.given = worker, tries, at
	left := max(0, w.limit-time.Since(at))
	switch {
	case w.state != slowWatching:
	case w.timer == nil:
		w.timer = time.AfterFunc(left, w.passed)
	case w.timer.Stop():
		w.timer.Reset(left)
	}
}

// begin notes that the head of the response is sent. A response that may last for ever is not slow.
func (w *slowWatch) begin(firstByte time.Duration, endless bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now.firstByte = firstByte
	if endless && w.state == slowWatching && (w.timer == nil || w.timer.Stop()) {
		w.state = slowEnded
	}
}

// passed logs the request, whose limit is passed.
func (w *slowWatch) passed() {
	ctx, cancel := context.WithTimeout(context.Background(), slowStackTime)
	defer cancel()
	defer close(w.logged)
	w.mu.Lock()
	if w.state != slowWatching {
		w.mu.Unlock()
		return
	}
	w.state, w.cancel = slowLogging, cancel
	now := w.now
	w.mu.Unlock()
	w.log(ctx, now)
}

// end notes that the request has ended, and returns when nothing more is logged about it.
func (w *slowWatch) end() {
	w.mu.Lock()
	before := w.state
	w.state = slowEnded
	running := w.timer != nil && before != slowEnded && !w.timer.Stop()
	cancel := w.cancel
	w.mu.Unlock()
	if cancel != nil {
		cancel()
	}
	if running {
		<-w.logged
	}
}

// slowBudget bounds how many slow requests of an app are logged. Its zero value has logged none.
type slowBudget struct {
	mu      sync.Mutex
	since   time.Time // when the period has begun
	logged  int       // in the period
	skipped int       // not logged since the last one that was
}

// take reports whether one more may be logged, and how many were not before it.
func (b *slowBudget) take(clock func() time.Time) (skipped int, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if now := clock(); now.Sub(b.since) >= slowPeriod {
		b.since, b.logged = now, 0
	}
	if b.logged == mostSlow {
		b.skipped++
		return 0, false
	}
	b.logged++
	skipped, b.skipped = b.skipped, 0
	return skipped, true
}
