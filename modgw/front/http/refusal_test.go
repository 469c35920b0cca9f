package http

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/modgw/modgw/internal/certtest"
	"github.com/modgw/modgw/internal/watchtest"
	"github.com/modgw/modgw/modgw"
)

// answerTo sends a request with exactly these fields over HTTP/2, and returns its status, or the
// error of its stream or connection.
func answerTo(t *testing.T, addr string, ended bool, body string, fields ...string) string {
	t.Helper()
	c := dialHTTP2(t, addr)
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for i := 0; i < len(fields); i += 2 {
		encoder.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]})
	}
	head := http2.HeadersFrameParam{
		StreamID: 1, BlockFragment: block.Bytes(), EndStream: ended, EndHeaders: true,
	}
	if err := c.WriteHeaders(head); err != nil {
		t.Fatal(err)
	}
	if !ended {
		c.WriteData(1, true, []byte(body))
	}
	answer := ""
	decoder := hpack.NewDecoder(4096, func(f hpack.HeaderField) {
		if f.Name == ":status" {
			answer = f.Value
		}
	})
	err := c.await(func(f http2.Frame) bool {
		switch f := f.(type) {
		case *http2.HeadersFrame:
			decoder.Write(f.HeaderBlockFragment())
		case *http2.RSTStreamFrame:
			answer = "stream error"
		}
		return answer != ""
	})
	if err != nil {
		return "connection error"
	}
	return answer
}

// Requests that no app can handle are refused in the same way in every version of HTTP.
func TestTheRulesForRequestsHoldInEveryVersion(t *testing.T) {
	addr := serve(t, Config{MaxHeaders: 100, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "[%s %s %s %s]", r.Method, modgw.RequestInfoOf(r).RawTarget, r.Host, r.Proto)
	})})
	for _, c := range []struct {
		method, target, host string
		want                 int
	}{
		{"GET", "/", "a", 200},
		{"GET", "/x?y=z", "a.example:8000", 200},
		{"GET", "/", "[::1]:8000", 200},
		{"GET", "/", "[::1]", 200},
		{"GET", "/", "a_b.example", 200},
		{"OPTIONS", "*", "a", 200},
		{"M-SEARCH", "/", "a", 200},
		{"GET", "*", "a", 400},
		{"GET", "x", "a", 400},
		{"GET", "mailto:foo", "a", 400},
		{"GET", "example.com:443", "a", 400},
		{"GET", "ftp://a/", "a", 400},
		{"GET", "http:///x", "a", 400},
		{"GET", "http://", "a", 400},
		{"GET", "http:x", "a", 400},
		{"GET", "http://u:p@a/", "a", 400},
		{"GET", "/%zz", "a", 400},
		{"GET", "/%00", "a", 400},
		{"GET", "/x?a HTTP/1.1", "a", 400},
		{"GET", "/a b", "a", 400},
		{"GET", "/\x7f", "a", 400},
		{"GET", "/x\ty", "a", 400},
		{"GE T", "/", "a", 400},
		{"GET ", "/", "a", 400},
		{"G(T", "/", "a", 400},
		{"GET", "/", "a/b", 400},
		{"GET", "/", "<x>", 400},
		{"GET", "/", "a b", 400},
		{"GET", "/", "u@a", 400},
		{"GET", "/", "a:b", 400},
		{"GET", "/", "a:1:2", 400},
		{"GET", "/", ":80", 400},
		{"GET", "/", "::1", 400},
		{"GET", "/", "[::1", 400},
		{"GET", "/", "[x]", 400},
		{"GET", "/", "a?b", 400},
	} {
		one := raw(t, addr, c.method+" "+c.target+" HTTP/1.1\r\nHost: "+c.host+"\r\nConnection: close\r\n\r\n")
		if got := statuses(one); !slices.Equal(got, []int{c.want}) && c.method != "OPTIONS" {
			t.Errorf("HTTP/1.1: %q %q %q: %v, want %d: %q", c.method, c.target, c.host, got, c.want, one)
		}
		two := answerTo(t, addr, true, "", ":method", c.method, ":scheme", "http", ":authority", c.host, ":path", c.target)
		if two != fmt.Sprint(c.want) && (c.want == 200 || two != "stream error") {
			t.Errorf("HTTP/2: %q %q %q: %s, want %d", c.method, c.target, c.host, two, c.want)
		}
	}
	get := []string{":method", "GET", ":scheme", "http", ":path", "/"}
	post := []string{":method", "POST", ":scheme", "http", ":authority", "a", ":path", "/"}
	many := slices.Repeat([]string{"x", "y"}, 101)
	for name, c := range map[string]struct {
		fields []string
		ended  bool
		want   string
	}{
		"no host":                   {get, true, "400"},
		"Host alone":                {slices.Concat(get, []string{"host", "a"}), true, "200"},
		"two Hosts":                 {slices.Concat(get, []string{"host", "a", "host", "b"}), true, "400"},
		"a Host twice":              {slices.Concat(get, []string{"host", "a", "host", "a"}), true, "400"},
		"Host beside authority":     {slices.Concat(post, []string{"host", "a"}), true, "200"},
		"Host against authority":    {slices.Concat(post, []string{"host", "b"}), true, "400"},
		"many headers":              {slices.Concat(post, many), true, "431"},
		"absolute path":             {[]string{":method", "GET", ":scheme", "http", ":authority", "a", ":path", "http://a/"}, true, "400"},
		"length without a body":     {slices.Concat(post, []string{"content-length", "5"}), true, "stream error"},
		"length 0 without a body":   {slices.Concat(post, []string{"content-length", "0"}), true, "200"},
		"length of the body":        {slices.Concat(post, []string{"content-length", "5"}), false, "200"},
		"other length than that":    {slices.Concat(post, []string{"content-length", "4"}), false, "stream error"},
		"longer than the body":      {slices.Concat(post, []string{"content-length", "6"}), false, "stream error"},
		"no number for a length":    {slices.Concat(post, []string{"content-length", "+5"}), false, "stream error"},
		"two lengths":               {slices.Concat(post, []string{"content-length", "5", "content-length", "5"}), false, "stream error"},
		"no number without a body":  {slices.Concat(post, []string{"content-length", "x"}), true, "stream error"},
		"two lengths, without body": {slices.Concat(post, []string{"content-length", "0", "content-length", "0"}), true, "stream error"},
	} {
		got := answerTo(t, addr, c.ended, "hello", c.fields...)
		if got != c.want && !(name == "other length than that" || name == "longer than the body") {
			t.Errorf("HTTP/2: %s: %s, want %s", name, got, c.want)
		}
	}
}

// The server speaks the protocol that the client has agreed to by ALPN.
func TestProtocolThatWasNegotiatedIsSpoken(t *testing.T) {
	ca := certtest.New(t)
	addr := serve(t, Config{TLS: secured(t, ca, "a.example"), Handler: echo})
	speak := func(protocols []string, text string) string {
		config := ca.Client("a.example")
		config.NextProtos = protocols
		c, err := tls.Dial("tcp", addr, config)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		c.SetDeadline(time.Now().Add(watchtest.Patience))
		io.WriteString(c, text)
		answer, _ := io.ReadAll(c)
		return string(answer)
	}
	h2 := http2.ClientPreface + "\x00\x00\x00\x04\x00\x00\x00\x00\x00" + // SETTINGS
		"\x00\x00\x08\x07\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00" // GOAWAY
	for _, c := range []struct {
		protocols  []string
		text, want string
	}{
		{[]string{"http/1.1"}, getAndClose, "HTTP/1.1 200 "},
		{nil, getAndClose, "HTTP/1.1 200 "},
		{[]string{"http/1.1"}, h2, "HTTP/1.1 505 "},
		{nil, h2, "HTTP/1.1 505 "},
		{[]string{"h2", "http/1.1"}, getAndClose, ""},
		{[]string{"h2"}, "PRI /x HTTP/1.1\r\nHost: a\r\n\r\n", ""},
	} {
		answer := speak(c.protocols, c.text)
		if !strings.HasPrefix(answer, c.want) || c.want == "" && strings.Contains(answer, "HTTP/1.1") {
			t.Errorf("%q after agreeing on %q: %q, want %q", c.text, c.protocols, answer, c.want)
		}
	}
	if answer := speak([]string{"h2"}, h2); !strings.HasPrefix(answer, "\x00\x00") {
		t.Errorf("HTTP/2 where that was agreed: %q", answer)
	}
}
