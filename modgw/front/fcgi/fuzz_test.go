package fcgi

import (
	"context"
	"io"
	"net"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/modgw/modgw/modgw/fcgi"
	"github.com/modgw/modgw/modgw/front"
)

// FuzzConnection sends arbitrary bytes to a connection: for any input, the connection and all of
// its goroutines end.
func FuzzConnection(f *testing.F) {
	f.Add(request(1, true, nil, ""))
	f.Add(slices.Concat(request(1, true, post("5"), "hello"), request(2, false, post("5"), "hell")))
	f.Add(slices.Concat(begin(1, true), begin(2, true), record(fcgi.TypeAbort, 1, ""), recordsOf(fcgi.TypeParams, 2, pairs(vars(nil)))))
	f.Add(slices.Concat(record(fcgi.TypeGetValues, 0, "\x00\x00"), record(99, 0, "x")))
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) })
	f.Fuzz(func(t *testing.T, in []byte) {
		s := New(Config{Config: front.Config{Handler: handler, ReadTimeout: time.Second, WriteTimeout: time.Second}})
		ours, theirs := net.Pipe()
		s.conns.Start(context.Background(), ours, func() {})
		go io.Copy(io.Discard, theirs)
		theirs.Write(in) // fails when the connection has ended before it took everything
		theirs.Close()
		s.conns.Wait()
		s.conns.Each(func(connection) { t.Error("a connection is left") })
	})
}
