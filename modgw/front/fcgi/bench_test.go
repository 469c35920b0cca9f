package fcgi

import (
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/modgw/modgw/modgw/fcgi"
	"github.com/modgw/modgw/modgw/front"
)

// BenchmarkRoundTrip is one small request after the other on a kept connection. With a timer it
// does in addition what a timer of its own would do for each request, in place of the server's
// deadlines.
func BenchmarkRoundTrip(b *testing.B) {
	for name, timed := range map[string]bool{"deadlines": false, "timer": true} {
		b.Run(name, func(b *testing.B) {
			timer := time.AfterFunc(time.Hour, func() {})
			defer timer.Stop()
			socket := serve(b, Config{Config: front.Config{Log: slog.New(slog.DiscardHandler), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if timed {
					timer.Reset(leadAfter)
					defer timer.Stop()
				}
				io.WriteString(w, "Hello, world!")
			})}})
			conn, err := net.Dial("unix", socket)
			if err != nil {
				b.Fatal(err)
			}
			defer conn.Close()
			ask := request(1, true, nil, "")
			var in fcgi.Reader
			in.Reset(conn, make([]byte, 4096), 0)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := conn.Write(ask); err != nil {
					b.Fatal(err)
				}
				for {
					h, err := in.Next()
					if err != nil {
						b.Fatal(err)
					}
					if h.Type == fcgi.TypeEnd {
						break
					}
				}
			}
		})
	}
}
