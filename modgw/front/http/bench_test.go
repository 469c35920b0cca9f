package http

import (
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"
)

// BenchmarkFront measures the whole front with one client that sends requests one after the other.
func BenchmarkFront(b *testing.B) {
	addr := serve(b, Config{Log: slog.New(slog.DiscardHandler), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header["Content-Type"], header["Content-Length"] = []string{"text/plain"}, []string{"13"}
		_, _ = io.WriteString(w, "Hello, World!")
	})})
	askAgainAndAgain(b, addr)
}

// askAgainAndAgain runs a client that sends a request whenever it has the previous answer.
func askAgainAndAgain(b *testing.B, addr string) {
	b.Helper()
	client, err := net.Dial("tcp", addr)
	if err != nil {
		b.Fatal(err)
	}
	defer client.Close()
	request, answer := []byte("GET / HTTP/1.1\r\nHost: localhost:8000\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n"), make([]byte, 4096)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := client.Write(request); err != nil {
			b.Fatal(err)
		}
		if _, err := client.Read(answer); err != nil {
			b.Fatal(err)
		}
	}
}
