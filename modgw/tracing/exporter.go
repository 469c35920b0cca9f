package tracing

import (
	"cmp"
	"context"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	collectorpb "go.opentelemetry.io/proto/slim/otlp/collector/trace/v1"
	commonpb "go.opentelemetry.io/proto/slim/otlp/common/v1"
	resourcepb "go.opentelemetry.io/proto/slim/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/slim/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// Limits of waiting exports, and of their time.
const (
	batchSize  = 512              // spans that are sent together, at most
	mostQueued = 8 * batchSize    // spans that wait, at most; those beyond are dropped
	batchTime  = time.Second      // how long a span waits for others that are sent with it
	retryTime  = 30 * time.Second // how long a batch is tried again, before it is dropped
	firstPause = time.Second      // before the second try; each further pause is twice as long
	lastTime   = 3 * time.Second  // for the rest when the host ends
)

// exporter sends spans to a collector, in batches. It sleeps while there are none.
type exporter struct {
	client   *client
	resource *resourcepb.Resource
	scope    *commonpb.InstrumentationScope
	log      *slog.Logger
	wake     chan struct{} // has a token when a first span, or a whole batch, waits
	batch    int           // spans that are sent together, at most
	most     int           // spans that wait, at most

	mu    sync.Mutex
	queue []*tracepb.Span

	dropped  atomic.Uint64
	exported atomic.Uint64
	failing  bool // the last batch was not taken, which was logged; used by run alone
}

func newExporter(c Config) *exporter {
	e := &exporter{
		client: newClient(c.Settings), log: c.Log, wake: make(chan struct{}, 1),
		batch: batchSize, most: mostQueued,
		scope: &commonpb.InstrumentationScope{Name: "github.com/modgw/modgw", Version: c.Version},
	}
	var a attributes
	a.text("service.name", "modgw")
	a.text("service.version", c.Version)
	host, _ := os.Hostname() // "" is left out
	a.text("host.name", host)
	a.number("process.pid", int64(os.Getpid()))
	e.resource = &resourcepb.Resource{Attributes: a}
	return e
}

// add queues a span, or drops it when too many wait. It never blocks.
func (e *exporter) add(span *tracepb.Span) {
	e.mu.Lock()
	n := len(e.queue)
	if n < e.most {
		e.queue = append(e.queue, span)
	}
	e.mu.Unlock()
	switch n {
	case 0, e.batch - 1:
		select {
		case e.wake <- struct{}{}:
		default:
		}
	case e.most:
		e.dropped.Add(1)
	}
}

// take returns the next batch; nil when no span waits.
func (e *exporter) take() []*tracepb.Span {
	e.mu.Lock()
	defer e.mu.Unlock()
	n := min(len(e.queue), e.batch)
	if n == 0 {
		return nil
	}
	batch := e.queue[:n:n]
	if e.queue = e.queue[n:]; len(e.queue) == 0 {
		e.queue = nil // so that an idle host keeps no memory for it
	}
	return batch
}

// isFull reports whether a whole batch waits.
func (e *exporter) isFull() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.queue) >= e.batch
}

// run exports until ctx is done, and then the rest, as far as the collector accepts it in lastTime.
func (e *exporter) run(ctx context.Context) {
	defer e.client.close()
	bounded, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(lastTime, end) })()
	for goesOn := true; goesOn; {
		goesOn = e.await(ctx)
		for batch := e.take(); batch != nil; batch = e.take() {
			e.export(bounded, ctx.Done(), batch)
		}
	}
}

// await waits for a batch, whole or not. It returns false when ctx is done.
func (e *exporter) await(ctx context.Context) bool {
	select {
	case <-e.wake:
	case <-ctx.Done():
		return false
	}
	timer := time.NewTimer(batchTime)
	defer timer.Stop()
	for !e.isFull() {
		select {
		case <-e.wake:
		case <-timer.C:
			return true
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// export sends a batch, again and again while the collector cannot be reached or asks for that.
// When last closes it is tried once more.
func (e *exporter) export(ctx context.Context, last <-chan struct{}, batch []*tracepb.Span) {
	spans := &tracepb.ResourceSpans{
		Resource:   e.resource,
		ScopeSpans: []*tracepb.ScopeSpans{{Scope: e.scope, Spans: batch}},
	}
	body, err := proto.Marshal(&collectorpb.ExportTraceServiceRequest{
		ResourceSpans: []*tracepb.ResourceSpans{spans},
	})
	if err != nil {
		panic(err) // all texts are UTF-8
	}
	ctx, cancel := context.WithTimeout(ctx, retryTime)
	defer cancel()
	var r result
	for pause, again := firstPause, true; again && ctx.Err() == nil; pause *= 2 {
		r = e.client.send(ctx, body)
		again = r.again && !isClosed(last)
		if again {
			sleep(ctx, last, max(pause, r.pause))
		}
	}
	e.report(len(batch), r)
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// sleep waits for a time, until ctx is done, or until last closes.
func sleep(ctx context.Context, last <-chan struct{}, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	case <-last:
	}
}

// report counts n spans as taken or dropped. It logs the first batch that is lost, and the first
// that is taken again.
func (e *exporter) report(n int, r result) {
	lost := 0
	if r.err != nil {
		lost = min(n, cmp.Or(r.rejected, n))
	}
	e.dropped.Add(uint64(lost))
	e.exported.Add(uint64(n - lost))
	switch failing := lost > 0; {
	case failing && !e.failing:
		e.log.Warn("spans dropped", "endpoint", e.client.shown, "spans", lost, "error", r.err)
	case !failing && e.failing:
		e.log.Info("spans are exported again", "endpoint", e.client.shown, "dropped", e.dropped.Load())
	}
	e.failing = lost > 0
}
