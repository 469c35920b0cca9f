package ballast

import (
	"context"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
)

// A request of a WSGI app leaves about so much garbage on the event loop, and a host with a few
// apps has about so much in use.
const (
	garbageOfRequest = 3 << 10
	inUse            = 4 << 20
)

var sink []byte

// BenchmarkRequestGarbage shows the benefit of the ballast: a request causes a third of the
// collections, and the collector uses less processor time.
func BenchmarkRequestGarbage(b *testing.B) {
	for _, c := range []struct {
		name string
		keep bool
	}{{"with ballast", true}, {"without", false}} {
		b.Run(c.name, func(b *testing.B) {
			heap := make([][]byte, inUse/1024)
			for i := range heap {
				heap[i] = make([]byte, 1024)
			}
			if c.keep {
				ctx, cancel := context.WithCancel(b.Context())
				ended := make(chan struct{})
				go func() { defer close(ended); Keep(ctx) }()
				defer func() { cancel(); <-ended }()
			}
			debug.FreeOSMemory()
			before, cycles := collectorTime()
			for b.Loop() {
				for range garbageOfRequest / 256 {
					sink = make([]byte, 256)
				}
			}
			runtime.GC() // brings the metrics up to date
			after, more := collectorTime()
			b.ReportMetric((after-before)*1e9/float64(b.N), "gc-cpu-ns/op")
			b.ReportMetric(float64(more-cycles)*1e6/float64(b.N), "gcs/1M-op")
			runtime.KeepAlive(heap)
		})
	}
}

// collectorTime returns the total processor seconds of the collector, and its cycles.
func collectorTime() (seconds float64, cycles uint64) {
	samples := []metrics.Sample{
		{Name: "/cpu/classes/gc/total:cpu-seconds"}, {Name: "/gc/cycles/total:gc-cycles"},
	}
	metrics.Read(samples)
	return samples[0].Value.Float64(), samples[1].Value.Uint64()
}
