package fcgi

import (
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"

	"github.com/modgw/modgw/modgw/fcgi"
	"github.com/modgw/modgw/modgw/front"
)

// BenchmarkRoundTrip sends small requests one after the other on a kept connection.
func BenchmarkRoundTrip(b *testing.B) {
	socket := serve(b, Config{Config: front.Config{Log: slog.New(slog.DiscardHandler), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
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
}
