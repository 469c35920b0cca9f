package http1_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/modgw/modgw/internal/http1test"
	"github.com/modgw/modgw/modgw/http1"
)

// reading is the result of parsing a client's bytes.
type reading struct {
	requests []string // each with all fields that the parser returns
	ends     []int    // ends of the requests
	taken    int
	preface  bool
	err      error
}

// read parses bytes that arrive in pieces; pieces returns the length of the next piece.
func read(all []byte, pieces func(left int) int) (r reading) {
	var p http1.Parser
	var message http1.Request
	var request http.Request
	var body, buffer []byte
	have := 0
	for {
		event, taken, err := p.Parse(buffer)
		buffer, r.taken = buffer[taken:], r.taken+taken
		switch {
		case err != nil:
			r.err = err
			return r
		case event == http1.HeadRead:
			if message.Fill(&request, p.Head()) {
				_ = request.URL.String()
			}
			request.Header, body = request.Header.Clone(), nil
		case event == http1.BodyNext:
			n := min(int(min(p.Ahead(), 1<<30)), len(buffer))
			body, buffer, r.taken = append(body, buffer[:n]...), buffer[n:], r.taken+n
			p.Advance(n)
			if n > 0 {
				continue
			}
		case event == http1.RequestEnd:
			p.FillTrailer(&request)
			r.requests = append(r.requests, fmt.Sprintf("%s %s %s %q %v %v %q %v %d %v", request.Method, request.RequestURI,
				request.Proto, request.Host, request.Header, request.TransferEncoding, body, request.Trailer, request.ContentLength, request.Close))
			r.ends = append(r.ends, r.taken)
		case event == http1.HTTP2Preface:
			r.preface = true
			return r
		}
		if event == http1.NeedMore || event == http1.BodyNext {
			if have == len(all) {
				return r
			}
			n := pieces(len(all) - have)
			buffer = append(bytes.Clone(buffer), all[have:have+n]...)
			have += n
		}
	}
}

func whole(left int) int { return left }
func single(int) int     { return 1 }

func TestReasonsOfTheCorpus(t *testing.T) {
	for _, c := range http1test.Corpus {
		// Both at the beginning of a connection and after another request.
		for _, before := range []string{"", http1test.GetHead + "\r\n"} {
			want := c.Want
			if want == http1.BadPreface && before != "" {
				want = http1.OtherVersion
			}
			r := read([]byte(before+c.Bytes+http1test.GetHead+"\r\n"), whole)
			if want == "" && r.err != nil || want != "" && r.err != want {
				t.Errorf("%s: %v after %d bytes, want %q", c.Name, r.err, r.taken, want)
			}
		}
	}
}

func TestPrefaceOfHTTP2IsFound(t *testing.T) {
	if r := read([]byte(http1.Preface+"\x00\n\n: \x00"), whole); !r.preface || r.taken != len(http1.Preface) {
		t.Errorf("%+v", r)
	}
	var p http1.Parser
	p.SkipPreface()
	if _, _, err := p.Parse([]byte(http1.Preface)); err != http1.OtherVersion {
		t.Errorf("where it is not expected: %v", err)
	}
}

func TestMethodsLikeThePrefaceAreMethods(t *testing.T) {
	for _, method := range []string{"P", "PR", "PRI", "PRIX", "PROPFIND", "PUT"} {
		for _, pieces := range []func(int) int{whole, single} {
			r := read([]byte(method+" /x HTTP/1.1\r\nHost: a\r\n\r\n"), pieces)
			if method != "PRI" && (len(r.requests) != 1 || !strings.HasPrefix(r.requests[0], method+" /x ")) {
				t.Errorf("%s: %+v", method, r)
			}
		}
	}
}

func TestAcceptedRequestsEndWhereTheyEnd(t *testing.T) {
	for _, c := range http1test.Corpus {
		if c.Want != "" || c.Name == "empty line after a POST" {
			continue
		}
		if r := read([]byte(c.Bytes), single); !slices.Equal(r.ends, []int{len(c.Bytes)}) {
			t.Errorf("%s ends at %v, want at %d", c.Name, r.ends, len(c.Bytes))
		}
	}
}

func TestRefusalIsFinal(t *testing.T) {
	for _, c := range http1test.Corpus {
		var p http1.Parser
		var err error
		for left := []byte(c.Bytes); err == nil; {
			var event http1.Event
			var taken int
			event, taken, err = p.Parse(left)
			left = left[taken:]
			n := int(min(p.Ahead(), int64(len(left))))
			p.Advance(n)
			if left = left[n:]; event == http1.NeedMore || event == http1.BodyNext && n == 0 {
				break
			}
		}
		if err == nil {
			continue
		}
		if _, taken, again := p.Parse([]byte(http1test.GetHead + "\r\n")); taken != 0 || again != err {
			t.Errorf("%s: %d bytes were taken after the refusal, and then %v", c.Name, taken, again)
		}
	}
}

// TestWhoMayWaitToBeToldToContinue checks RFC 9110, 10.1.1: the expectation is ignored if the
// client speaks HTTP/1.0, or if the request has no body.
func TestWhoMayWaitToBeToldToContinue(t *testing.T) {
	const expect = "Host: a\r\nExpect: 100-continue\r\n"
	for head, want := range map[string]bool{
		"POST / HTTP/1.1\r\n" + expect + "Content-Length: 1\r\n":          true,
		"POST / HTTP/1.1\r\n" + expect + "Transfer-Encoding: chunked\r\n": true,
		"POST / HTTP/1.0\r\n" + expect + "Content-Length: 1\r\n":          false,
		"POST / HTTP/1.1\r\n" + expect + "Content-Length: 0\r\n":          false,
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n":             false,
	} {
		var p http1.Parser
		if event, _, err := p.Parse([]byte(head + "\r\n")); event != http1.HeadRead || err != nil {
			t.Fatalf("%q: %v, %v", head, event, err)
		}
		if got := p.Head().ExpectsContinue(); got != want {
			t.Errorf("%q: %t", head, got)
		}
	}
}

func TestLimitsAreThoseThatWereSet(t *testing.T) {
	limits := http1.Limits{HeadBytes: 60, Fields: 3, ExtensionBytes: 4, TrailerBytes: 10}
	for _, c := range []struct {
		bytes string
		want  http1.Reason
	}{
		{"GET / HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("x", 28) + "\r\n\r\n", ""},
		{"GET / HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("x", 29) + "\r\n\r\n", http1.LongHead},
		{"GET /" + strings.Repeat("x", 60), http1.LongTarget},
		{"GET / HTTP/1.1\r\nHost: a\r\nX: y\r\nX: y\r\n\r\n", ""},
		{"GET / HTTP/1.1\r\nHost: a\r\nX: y\r\nX: y\r\nX:y\r\n\r\n", http1.ManyFields},
		{"G / HTTP/1.1\r\nHost:a\r\nTransfer-Encoding:chunked\r\n\r\n0;abc\r\nX: 1234\r\n\r\n", http1.LongTrailers},
		{"G / HTTP/1.1\r\nHost:a\r\nTransfer-Encoding:chunked\r\n\r\n0;abc\r\nX:123\r\n\r\n", ""},
		{"G / HTTP/1.1\r\nHost:a\r\nTransfer-Encoding:chunked\r\n\r\n0;abcd\r\n\r\n", http1.LongExtensions},
	} {
		p := http1.Parser{Limits: limits}
		var err error
		event := http1.HeadRead
		for left := []byte(c.bytes); err == nil && event != http1.NeedMore; {
			var taken int
			event, taken, err = p.Parse(left)
			left = left[taken:]
		}
		if c.want == "" && err != nil || c.want != "" && err != c.want {
			t.Errorf("%q: %v, want %q", c.bytes, err, c.want)
		}
	}
}

// FuzzParser checks that the requests and the refusal do not depend on how the input is cut into
// pieces, and that every request that net/http reads from the consumed bytes is the same request,
// with the same body, and ends at the same byte.
func FuzzParser(f *testing.F) {
	for _, c := range http1test.Corpus {
		if len(c.Bytes) < 10000 {
			f.Add([]byte(c.Bytes+http1test.GetHead+"\r\n"), uint64(len(c.Name)))
		}
	}
	f.Add([]byte(http1.Preface+"\x00\x00\x00\x04"), uint64(3))
	f.Fuzz(func(t *testing.T, all []byte, seed uint64) {
		atOnce, one := read(all, whole), read(all, single)
		random := read(all, func(left int) int {
			seed = seed*6364136223846793005 + 1442695040888963407
			return 1 + int(seed>>33)%min(left, 40)
		})
		if !same(atOnce, one) || !same(atOnce, random) {
			t.Fatalf("whole:     %+v\none by one: %+v\nin pieces: %+v", atOnce, one, random)
		}
		if !bytes.HasPrefix(all, []byte("PRI ")) {
			compareWithNetHTTP(t, all, atOnce)
		}
	})
}

func same(a, b reading) bool {
	return slices.Equal(a.requests, b.requests) && slices.Equal(a.ends, b.ends) && a.preface == b.preface && a.err == b.err
}

// compareWithNetHTTP has net/http read all requests that were read.
func compareWithNetHTTP(t *testing.T, all []byte, r reading) {
	in := bytes.NewReader(all)
	buffered := bufio.NewReader(in)
	for i, end := range r.ends {
		request, err := http.ReadRequest(buffered)
		if err != nil {
			return // net/http refuses an invalid URL, and would close the connection
		}
		body, err := io.ReadAll(request.Body)
		if err != nil {
			t.Fatalf("request %d is complete at %d, and net/http says %v: %q", i, end, err, all)
		}
		if at := len(all) - in.Len() - buffered.Buffered(); at != end {
			t.Fatalf("request %d ends at %d for net/http, and at %v for the parser: %q", i, at, r.ends, all)
		}
		delete(request.Header, "Host") // which http.Server does
		theirs := fmt.Sprintf("%s %s %s %q %v %v %q %v %d %v", request.Method, request.RequestURI, request.Proto, request.Host,
			request.Header, request.TransferEncoding, body, request.Trailer, request.ContentLength, request.Close)
		if theirs != r.requests[i] {
			t.Fatalf("request %d is for net/http\n%s, and for the parser\n%s", i, theirs, r.requests[i])
		}
	}
}

// FuzzURL: a target is the same URL for the parser and for net/http.
func FuzzURL(f *testing.F) {
	for _, target := range []string{"/", "/a/b?c=d", "/a%20b", "/?", "/a??", "//x/y", "*", "http://a/b?c", "/a;b", "/%zz", "/%2e", "/ä", "/a'b", "/!"} {
		f.Add(target)
	}
	f.Fuzz(func(t *testing.T, target string) {
		head := []byte("GET " + target + " HTTP/1.1\r\nHost: a\r\n\r\n")
		var p http1.Parser
		event, _, err := p.Parse(head)
		if err != nil || event != http1.HeadRead {
			return
		}
		var message http1.Request
		var request http.Request
		ok := message.Fill(&request, p.Head())
		theirs, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(head)))
		if ok != (err == nil) {
			t.Fatalf("%q is a URL: %v; net/http says %v", target, ok, err)
		}
		if ok && (!reflect.DeepEqual(request.URL, theirs.URL) || request.Host != theirs.Host) {
			t.Fatalf("%q is %#v at %q, for net/http %#v at %q", target, request.URL, request.Host, theirs.URL, theirs.Host)
		}
	})
}

func BenchmarkParser(b *testing.B) {
	for name, request := range map[string]string{
		"small":   "GET / HTTP/1.1\r\nHost: localhost:8000\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n",
		"browser": browserRequest,
		"chunks":  http1test.Chunks + strings.Repeat("1000\r\n"+strings.Repeat("x", 0x1000)+"\r\n", 16) + "0\r\n\r\n",
	} {
		for _, fill := range []bool{false, true} {
			b.Run(fmt.Sprintf("%s/filled=%v", name, fill), func(b *testing.B) {
				all := []byte(request)
				b.SetBytes(int64(len(all)))
				b.ReportAllocs()
				var p http1.Parser
				var message http1.Request
				var r http.Request
				for b.Loop() {
					for left := all; len(left) > 0; {
						event, taken, err := p.Parse(left)
						if err != nil {
							b.Fatal(err)
						}
						if fill && event == http1.HeadRead {
							message.Fill(&r, p.Head())
						}
						left = left[taken:]
						n := int(p.Ahead())
						p.Advance(n)
						left = left[n:]
					}
				}
			})
		}
	}
}

const browserRequest = "GET /shop/articles?page=2&sort=price HTTP/1.1\r\n" +
	"Host: shop.example.com\r\n" +
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n" +
	"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n" +
	"Accept-Language: en-US,en;q=0.5\r\n" +
	"Accept-Encoding: gzip, deflate, br, zstd\r\n" +
	"Referer: https://shop.example.com/shop/articles?page=1&sort=price\r\n" +
	"Connection: keep-alive\r\n" +
	"Cookie: sessionid=3f2504e04f8911d39a0c0305e82c3301; csrftoken=9b1deb4d3b7d4bad9bdd2b0d7b3dcb6d; theme=dark\r\n" +
	"Upgrade-Insecure-Requests: 1\r\n" +
	"Sec-Fetch-Dest: document\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Site: same-origin\r\n" +
	"Priority: u=0, i\r\n\r\n"
