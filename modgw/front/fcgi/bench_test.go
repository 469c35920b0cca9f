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

// BenchmarkRoundTrip sends small requests one after the other on a kept connection. The variant
// "timer" additionally resets a timer for each request, as would be necessary without the server's
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
