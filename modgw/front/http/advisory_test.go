package http

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// smuggled is a request that must never be answered, hidden in another.
const smuggled = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"

// advisories are vulnerabilities of other servers in parsing requests (H1, H2, H12), each with a
// request that exposed it, and the statuses of all expected answers. The smuggled request is never
// accepted as a request.
var advisories = []struct {
	id, why, octets string
	want            []int
}{
	{"CVE-2024-1135 gunicorn", "an unknown coding before chunked, and a length", postHead + "Content-Length: 6\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" + smuggled, []int{400}},
	{"CVE-2024-1135 gunicorn", "an unknown coding falls back to the length", postHead + "Content-Length: 5\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + smuggled, []int{400}},
	{"CVE-2024-6827 gunicorn", "a coding in capitals, and a length", postHead + "Content-Length: 4\r\nTransfer-Encoding: CHUNKED\r\n\r\n0\r\n\r\n" + smuggled, []int{400}},
	{"CVE-2019-16785 waitress", "a line feed alone ends a line", "GET / HTTP/1.1\nHost: a\nContent-Length: 40\n\n" + smuggled, []int{400}},
	{"CVE-2019-16786 waitress", "chunked is not the last coding", postHead + "Content-Length: 30\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + smuggled, []int{400}},
	{"CVE-2019-16789 waitress", "white space that is none before the coding", postHead + "Content-Length: 40\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n" + smuggled, []int{400}},
	{"CVE-2019-16792 waitress", "two lengths", postHead + "Content-Length: 0\r\nContent-Length: 40\r\n\r\n" + smuggled, []int{400}},
	{"CVE-2022-24761 waitress", "a length with a sign", postHead + "Content-Length: +5\r\n\r\nhello" + smuggled, []int{400}},
	{"CVE-2022-24761 waitress", "a chunk's size with a prefix", chunks + "0x0\r\n\r\n" + smuggled, []int{400}},
	{"CVE-2024-49768 waitress", "a pipelined request after one that is refused", postHead + "Content-Length: x\r\n\r\n" + smuggled + smuggled, []int{400}},
	{"CVE-2025-43859 h11", "a chunk that ends with any two octets", chunks + "5\r\nhelloXX0\r\n\r\n" + smuggled, []int{400}},
	{"CVE-2025-22871 Go", "a line feed alone after a chunk's size", chunks + "5\nhello\r\n0\r\n\r\n" + smuggled, []int{400}},
	{"CVE-2019-16276 Go", "a space before the colon", postHead + "Transfer-Encoding : chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" + smuggled, []int{400}},
	{"CVE-2023-29406 Go", "a host that is no host", "GET / HTTP/1.1\r\nHost: a/b?c\r\n\r\n" + smuggled, []int{400}},
	{"CVE-2023-25690 Apache", "control characters in a target", "GET /a%20b\x01HTTP/1.1 HTTP/1.1\r\nHost: a\r\n\r\n" + smuggled, []int{400}},
	{"CVE-2021-40346 HAProxy", "a header's name whose end overflows", postHead + "Content-Length0" + strings.Repeat("a", 255) + ":\r\nContent-Length: 5\r\n\r\nhello", []int{200}},
	{"CVE-2023-25725 HAProxy", "a header without a name hides those after it", postHead + ":\r\nContent-Length: 36\r\n\r\n" + smuggled, []int{400}},
	{"CVE-2023-40225 HAProxy", "an empty length", postHead + "Content-Length:\r\n\r\n" + smuggled, []int{400}},
	{"CVE-2022-32213 Node", "a coding that only ends in chunked", postHead + "Transfer-Encoding: chunkedchunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" + smuggled, []int{400}},
	{"CVE-2022-32215 Node", "a coding on two lines", postHead + "Transfer-Encoding: chunked,\r\n identity\r\n\r\n0\r\n\r\n" + smuggled, []int{400}},
	{"CVE-2022-35256 Node", "a header that ends with a carriage return alone", getHead + "X: y\rTransfer-Encoding: chunked\r\n\r\n" + smuggled, []int{400}},
	{"CVE-2023-30589 Node", "a carriage return alone between headers", "GET / HTTP/1.1\r\nHost: a\r\nX: y\rContent-Length: 40\r\n\r\n" + smuggled, []int{400}},
	{"CVE-2024-22019 Node", "extensions of chunks without end", chunks + "1;" + strings.Repeat("a", 100<<10), []int{400}},
	{"CVE-2023-39326 Go", "more extensions than data", chunks + strings.Repeat("1;"+strings.Repeat("a", 100)+"\r\nx\r\n", 1000) + "0\r\n\r\n", []int{400}},
	{"CVE-2023-46589 Tomcat", "trailers without end", chunks + "0\r\n" + strings.Repeat("X: y\r\n", 5000) + "\r\n" + smuggled, []int{400}},
	{"CVE-2023-40175 Puma", "a length as trailer", chunks + "0\r\nContent-Length: 40\r\n\r\n" + smuggled, []int{400}},
	{"H1", "the last chunk without its end", chunks + "0\r\n" + smuggled, []int{400}},
	{"H1", "two hosts", getHead + "Host: b\r\n\r\n" + smuggled, []int{400}},
	{"H1", "a list of equal lengths", postHead + "Content-Length: 5, 5\r\n\r\nhello" + smuggled, []int{400}},
	{"H1", "a continued header", getHead + "X: y\r\n Content-Length: 40\r\n\r\n" + smuggled, []int{400}},
	{"H12", "a target with an authority of its own", "GET http://b/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", []int{200}},
	{"H12", "a target with a password", "GET http://u:p@b/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", []int{400}},
	{"H12", "a target of another scheme", "GET ftp://b/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", []int{400}},
	{"F65", "a method of 1 KB", strings.Repeat("A", 1<<10) + " / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", []int{200}},
	{"F65", "a method of 100 KB", strings.Repeat("A", 100<<10) + " / HTTP/1.1\r\nHost: a\r\n\r\n" + smuggled, []int{431}},
}

func TestAdvisoriesDoNotConcernUs(t *testing.T) {
	addr := serve(t, Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/smuggled" {
			t.Errorf("a request was smuggled in")
		}
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return // the front answers
		}
		w.Header().Set("Connection", "close")
		fmt.Fprint(w, r.Host)
	})})
	for _, a := range advisories {
		t.Run(a.id+", "+a.why, func(t *testing.T) {
			if got := statuses(raw(t, addr, a.octets)); !slices.Equal(got, a.want) {
				t.Errorf("answered %v, want %v", got, a.want)
			}
		})
	}
}

// H9 CVE-2026-42544, F72: any octet in any header arrives or is refused, and nothing crashes.
func TestH9EveryOctetInEveryHeader(t *testing.T) {
	addr := serve(t, Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		fmt.Fprintf(w, "%q", r.Header.Get("X-Before")+r.Header.Get("Sec-Websocket-Protocol")+r.Header.Get("Cookie")+r.Header.Get("Referer"))
	})})
	for _, name := range []string{"Sec-WebSocket-Protocol", "Cookie", "Referer"} {
		for octet := range 256 {
			value := "a" + string([]byte{byte(octet)}) + "b"
			want := []int{200}
			if octet < ' ' && octet != '\t' || octet == 0x7f {
				want = []int{400}
			}
			answer := raw(t, addr, "GET / HTTP/1.1\r\nHost: a\r\n"+name+": "+value+"\r\n\r\n")
			if got := statuses(answer); !slices.Equal(got, want) || want[0] == 200 && !strings.HasSuffix(answer, fmt.Sprintf("%q", value)) {
				t.Errorf("%#02x in %s: %v: %q", octet, name, got, answer)
			}
		}
	}
}

// P11 CVE-2016-5385: no header becomes HTTP_PROXY.
func TestP11ProxyHeaderNeverArrives(t *testing.T) {
	for name, c := range clients(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, len(r.Header["Proxy"])) }) {
		r, _ := http.NewRequest("GET", c.URL, nil)
		r.Header.Set("Proxy", "http://evil.example/")
		resp, err := c.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if string(body) != "0" {
			t.Errorf("%s: it arrives", name)
		}
	}
}

// H3 CVE-2015-7519, CVE-2015-0219, CVE-2024-45614: no header with an underscore arrives, over
// HTTP/2 neither.
func TestH3UnderscoresNeverArrive(t *testing.T) {
	for name, c := range clients(t, func(w http.ResponseWriter, r *http.Request) {
		for field := range r.Header {
			if strings.Contains(field, "_") {
				fmt.Fprint(w, field)
			}
		}
	}) {
		r, _ := http.NewRequest("GET", c.URL, nil)
		r.Header["X_Forwarded_For"], r.Header["x_remote-user"] = []string{"6.6.6.6"}, []string{"root"}
		resp, err := c.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if len(body) > 0 {
			t.Errorf("%s: %s arrives", name, body)
		}
	}
}
