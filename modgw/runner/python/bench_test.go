package python

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/modgw/modgw/modgw"
)

// nowhere is a response that no client reads.
type nowhere struct{ header http.Header }

func (w nowhere) Header() http.Header         { return w.header }
func (w nowhere) WriteHeader(int)             {}
func (w nowhere) Write(p []byte) (int, error) { return len(p), nil }

func BenchmarkRequest(b *testing.B) {
	r := benchmarked(b)
	b.Run("one after another", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			ask(r)
		}
	})
	b.Run("16 at once", func(b *testing.B) {
		b.ReportAllocs()
		b.SetParallelism(16)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				ask(r)
			}
		})
	})
}

func ask(r *Runner) {
	request := httptest.NewRequest("GET", "/hello?x=1", nil)
	request.Header = http.Header{"User-Agent": {"bench"}, "Accept": {"*/*"}}
	info := modgw.RequestInfoOf(request)
	info.PathInfo, info.ID = info.Path, "bench"
	r.ServeHTTP(nowhere{http.Header{}}, request.WithContext(modgw.WithRequestInfo(request.Context(), info)))
}

// benchmarked returns a runner of a hello app that ends with the benchmark.
func benchmarked(b *testing.B) *Runner {
	b.Helper()
	root := b.TempDir()
	if err := os.WriteFile(filepath.Join(root, "hello.py"), []byte(hello), 0o644); err != nil {
		b.Fatal(err)
	}
	files, err := Unpack(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	r, err := New(modgw.RunnerConfig{
		Descriptor: modgw.Descriptor{
			Name: "hello", Root: root, Mount: "/", Kind: modgw.KindWSGI,
			WSGI:     &modgw.WSGI{Entry: "hello:application", Workers: 1, Threads: 4},
			Timeouts: modgw.Timeouts{Startup: time.Minute, Request: time.Minute, Stop: time.Second},
			Queue:    modgw.Queue{Max: 100, Timeout: time.Minute},
		},
		Environment: &modgw.Environment{Interpreter: interpreter(b)},
		Generation:  1,
		Log:         slog.New(slog.DiscardHandler),
	}, files)
	if err != nil {
		b.Fatal(err)
	}
	if err := r.Start(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { r.Stop(b.Context()) }) // which has ended then
	return r
}
