package scgi

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/modgw/modgw/modgw/front"
)

// FuzzConnection sends arbitrary bytes to a connection: for any input, the connection and all of
// its goroutines end.
func FuzzConnection(f *testing.F) {
	for _, text := range []string{"", "GET\n0\n\n", "POST\n5\n\nhello", "POST\n5\n\nhell", "POST\n4\n\nhello", "POST\n99999\n\nx", "HEAD\n0\nHTTP_TRANSFER_ENCODING=chunked\n\n"} {
		f.Add(text)
	}
	p := protocol{name: "lines", statusLine: "Status:", read: readLines}
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) })
	f.Fuzz(func(t *testing.T, in string) {
		s := newServer(p, front.Config{Handler: handler, ReadTimeout: time.Second, WriteTimeout: time.Second})
		ours, theirs := net.Pipe()
		s.conns.Start(context.Background(), ours, func() {})
		go io.Copy(io.Discard, theirs)
		io.WriteString(theirs, in) // fails when the connection has ended before it took everything
		theirs.Close()
		s.conns.Wait()
		s.conns.Each(func(*conn) { t.Error("a connection is left") })
	})
}

// readLines reads a method, a length and further variables, a line each, up to an empty one.
func readLines(in *bufio.Reader, set func(name, value string)) error {
	for _, name := range []string{"REQUEST_METHOD", "CONTENT_LENGTH", ""} {
		for {
			line, err := in.ReadString('\n')
			if err != nil {
				return err
			}
			line = strings.TrimSuffix(line, "\n")
			switch {
			case line == "":
				return nil
			case name == "":
				key, value, _ := strings.Cut(line, "=")
				set(key, value)
				continue
			}
			set(name, line)
			break
		}
	}
	return nil
}
