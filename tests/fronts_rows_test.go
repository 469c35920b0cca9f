package tests

import (
	"fmt"
	"slices"
	"strings"
)

// row is a request in the table that every front must answer alike.
type row struct {
	name   string
	method string   // "": GET
	target string   // "": /
	header []string // lines without their ends
	body   string   // sent with Content-Length; "": none is sent
	chunks []string // the body in chunks, in place of body
	answer string   // the answer of told.py; "": the request as it received it
}

// verb returns the method of the request.
func (r row) verb() string {
	if r.method == "" {
		return "GET"
	}
	return r.method
}

// announced reports whether the app announces the length of its response.
func (r row) announced() bool { return r.answer != "pieces" && r.answer != "nothing" }

// expects reports whether the client waits for 100 Continue before it sends the body.
func (r row) expects() bool { return slices.Contains(r.header, "Expect: 100-continue") }

// raw returns the request, head and body, as it is sent to a server on a port.
func (r row) raw(port string) (head, body string) {
	target := strings.Replace(r.target, "PORT", port, 1)
	if target == "" {
		target = "/"
	}
	var h, b strings.Builder
	fmt.Fprintf(&h, "%s %s HTTP/1.1\r\nHost: www.example.com:%s\r\n", r.verb(), target, port)
	for _, line := range r.header {
		h.WriteString(line + "\r\n")
	}
	if r.answer != "" {
		h.WriteString("X-Answer: " + r.answer + "\r\n")
	}
	switch {
	case r.chunks != nil:
		h.WriteString("Transfer-Encoding: chunked\r\n")
		for _, c := range r.chunks {
			fmt.Fprintf(&b, "%x\r\n%s\r\n", len(c), c)
		}
		b.WriteString("0\r\n\r\n")
	case r.body != "":
		fmt.Fprintf(&h, "Content-Length: %d\r\n", len(r.body))
		b.WriteString(r.body)
	}
	return h.String() + "\r\n", b.String()
}

// rows are the table.
var rows = []row{
	{name: "plain", target: "/x/y?a=b&c=d"},
	{name: "no path", target: "/"},
	{name: "no query after ?", target: "/x?"},
	{name: "query as it is", target: "/x?a=%2F%20+b;c?d/e=%C3%A9&&"},
	{name: "encoded characters", target: "/a%20b%22%25%3B%3F%23;v=1+2"},
	{name: "UTF-8", target: "/%C3%A9/%E2%82%AC"},
	{name: "no UTF-8", target: "/%FF%80"},
	{name: "encoded slash", target: "/a%2Fb"},
	{name: "double slash", target: "/a//b/"},
	{name: "double slash at the beginning", target: "//a"},
	{name: "dots", target: "/a/./b/../c"},
	{name: "encoded dots", target: "/a/%2e%2E/c"},
	{name: "dots above all", target: "/a/../../c"},
	{name: "NUL in the path", target: "/a%00b"},
	{name: "bad encoding", target: "/a%zzb"},
	{name: "line feed in the path", target: "/a%0Ab"},
	{name: "absolute form", target: "http://www.example.com:PORT/x?y"},
	{name: "mount", target: "/app"},
	{name: "mount with a slash", target: "/app/"},
	{name: "below a mount", target: "/app/a%20b?c"},
	{name: "beside a mount", target: "/apple"},
	{name: "out of a mount", target: "/app/../x"},
	{name: "encoded mount", target: "/%61pp/x"},

	{name: "HEAD", method: "HEAD", answer: "201"},
	{name: "POST", method: "POST", body: "a=1"},
	{name: "PUT", method: "PUT", body: "text"},
	{name: "DELETE", method: "DELETE"},
	{name: "PATCH", method: "PATCH", body: "text"},
	{name: "OPTIONS", method: "OPTIONS"},
	{name: "PROPFIND", method: "PROPFIND", body: "<xml/>"},
	{name: "a method of one's own", method: "BREW"},

	{name: "cookies twice", header: []string{"Cookie: a=1", "Cookie: b=2; c=3"}},
	{name: "a header twice", header: []string{"X-Twice: 1", "X-Twice: 2"}},
	{name: "empty header", header: []string{"X-Empty:"}},
	{name: "header with _", header: []string{"X_Under: 1"}},
	{name: "Proxy", header: []string{"Proxy: http://evil.example/"}},
	{name: "bytes in a header", header: []string{"X-Bytes: caf\xe9 \xff"}},
	{name: "a long header", header: []string{"X-Long: " + strings.Repeat("v", 7000)}},
	{name: "many headers", header: manyHeaders()},
	{name: "Authorization", header: []string{"Authorization: Bearer secret"}},
	{name: "conditional", header: []string{"If-None-Match: \"1\"", "Range: bytes=2-4"}},
	{name: "content type without a body", header: []string{"Content-Type: text/plain"}},
	{name: "Connection names a header", header: []string{"Connection: X-Hop", "X-Hop: 1"}},
	{name: "lies of the client", header: []string{"X-Forwarded-For: 203.0.113.9", "X-Forwarded-Proto: https", "X-Real-IP: 203.0.113.9"}},

	{name: "body", method: "POST", body: strings.Repeat("0123456789", 20_000), header: []string{"Content-Type: text/plain"}},
	{name: "empty body", method: "POST", header: []string{"Content-Length: 0"}},
	{name: "chunked body", method: "POST", chunks: []string{"hello ", "world"}},
	{name: "long chunked body", method: "POST", chunks: []string{strings.Repeat("a", 100_000), strings.Repeat("b", 100_000)}},
	{name: "Expect", method: "POST", body: "hello", header: []string{"Expect: 100-continue"}},

	{name: "201", answer: "201"},
	{name: "204", answer: "204"},
	{name: "304", answer: "304"},
	{name: "range", answer: "206", header: []string{"Range: bytes=2-4"}},
	{name: "the app's ETag", answer: "etag", header: []string{"If-None-Match: \"1\""}},
	{name: "an error of the app", answer: "error"},
	{name: "response headers", answer: "headers"},
	{name: "repeated response headers", answer: "repeated"},
	{name: "response in pieces", answer: "pieces"},
	{name: "HEAD of pieces", method: "HEAD", answer: "pieces"},
	{name: "empty response", answer: "nothing"},
}

func manyHeaders() []string {
	lines := make([]string, 60)
	for i := range lines {
		lines[i] = fmt.Sprintf("X-Many-%d: %s", i, strings.Repeat("v", 200))
	}
	return lines
}
