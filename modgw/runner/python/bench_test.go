package python

import (
	"io"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/modgw/modgw/modgw"
)

// discard is a client that reads everything at once.
type discard struct{ *httptest.ResponseRecorder }

func (discard) Write(p []byte) (int, error) { return len(p), nil }

func BenchmarkHello(b *testing.B) {
	root := b.TempDir()
	if err := os.WriteFile(filepath.Join(root, "hello.py"), []byte(hello), 0o644); err != nil {
		b.Fatal(err)
	}
	files, err := Unpack(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	runner, err := New(modgw.RunnerConfig{
		Descriptor: modgw.Descriptor{
			Name: "hello", Root: root, Kind: modgw.KindWSGI, WSGI: &modgw.WSGI{Entry: "hello:application", Workers: 1, Threads: 4},
			Timeouts: modgw.Timeouts{Startup: time.Minute, Request: time.Minute, Stop: time.Second}, Queue: modgw.Queue{Max: 100},
		},
		Environment: &modgw.Environment{Interpreter: interpreter(b)},
		Log:         slog.New(slog.NewTextHandler(io.Discard, nil)),
	}, files)
	if err != nil {
		b.Fatal(err)
	}
	if err := runner.Start(b.Context()); err != nil {
		b.Fatal(err)
	}
	defer runner.Stop(b.Context())
	request := httptest.NewRequest("GET", "/", nil)
	request = request.WithContext(modgw.WithRequestInfo(b.Context(), &modgw.RequestInfo{PathInfo: "/", RawTarget: "/", Scheme: "http"}))
	b.ReportAllocs()
	for b.Loop() {
		runner.ServeHTTP(discard{httptest.NewRecorder()}, request)
	}
}
