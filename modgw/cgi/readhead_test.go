package cgi

import (
	"bufio"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"golang.org/x/net/http/httpguts"
)

// FuzzReadHead checks that no head, however it arrives, exceeds the limits, and that an accepted
// head can be sent.
func FuzzReadHead(f *testing.F) {
	for _, head := range []string{
		"Content-Type: text/html\r\n\r\nbody", "Status: 404 Not Found\nContent-Type: a\n\n", "Location: /local?x\n\n",
		"Location: //host/x\n\n", "HTTP/1.1 200 OK\r\nA: b\r\n\r\n", "Status: 99\n\n", "A\n\n", ": x\n\n", "A : b\n\n", " A: b\n\n",
		"Content-Length: 5\nContent-Length: 5\nContent-Type: a\n\n", "Status:\n\n", "A: \x00\nContent-Type: a\n\n", "\n", "",
	} {
		f.Add([]byte(head))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		whole, wholeErr := ReadHead(bufio.NewReader(strings.NewReader(string(in))))
		pieces, piecesErr := ReadHead(bufio.NewReaderSize(iotest.OneByteReader(strings.NewReader(string(in))), 16))
		if (wholeErr == nil) != (piecesErr == nil) || whole.Status != pieces.Status || whole.Length != pieces.Length || whole.Local != pieces.Local {
			t.Fatalf("%+v, %v at once; %+v, %v in pieces", whole, wholeErr, pieces, piecesErr)
		}
		if wholeErr != nil {
			return
		}
		if whole.Local == "" && (whole.Status < 200 || whole.Status > 599) {
			t.Fatalf("status %d", whole.Status)
		}
		for name, values := range whole.Header {
			for _, value := range values {
				if !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) || IsHopByHop(name) || name == "Status" {
					t.Fatalf("header %q: %q", name, value)
				}
			}
		}
	})
}

func TestHeadersBecomeVariables(t *testing.T) {
	for name, want := range map[string]string{
		"Accept": "HTTP_ACCEPT", "X-Forwarded-For": "HTTP_X_FORWARDED_FOR", "X_Forwarded_For": "", "X.Y": "", "X~": "", "9": "HTTP_9",
	} {
		if got := headerVariable(http.CanonicalHeaderKey(name)); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}
