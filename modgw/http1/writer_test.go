package http1_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/modgw/modgw/modgw/http1"
)

// headOf returns the head of a request.
func headOf(t testing.TB, text string) *http1.Head {
	t.Helper()
	p := new(http1.Parser)
	event, _, err := p.Parse([]byte(text))
	if err != nil || event != http1.HeadRead {
		t.Fatalf("%q: %v, %v", text, event, err)
	}
	return p.Head()
}

const (
	get11  = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
	head11 = "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"
	get10  = "GET / HTTP/1.0\r\n\r\n"
	keep10 = "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"
	close1 = "GET / HTTP/1.1\r\nHost: a\r\nConnection: foo, Close\r\n\r\n"
)

var date = new(http1.Date).At(time.Date(2026, 11, 28, 14, 0, 9, 0, time.FixedZone("", 3600)))

// response returns a handler's response in wire format: in one piece if whole is set.
func response(w *http1.Writer, status int, header http.Header, whole bool, pieces ...string) (string, error) {
	complete := -1
	if whole {
		complete = len(strings.Join(pieces, ""))
	}
	b := w.AppendHead(nil, status, header)
	b = w.AppendHeadEnd(b, int64(complete), date)
	for _, piece := range pieces {
		if err := w.Count(int64(len(piece))); err != nil {
			return string(b), err
		}
		if w.HasBody() {
			b = w.AppendPieceEnd(append(w.AppendPiece(b, len(piece)), piece...))
		}
	}
	return string(w.AppendEnd(b, header)), nil
}

func TestResponsesAreFramedAsTheirClientsUnderstand(t *testing.T) {
	const date = "Date: Sat, 28 Nov 2026 13:00:09 GMT\r\n"
	for _, c := range []struct {
		name, request string
		status        int
		header        http.Header
		whole         bool
		want          string
		keepsOpen     bool
	}{
		{"whole", get11, 200, nil, true, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n" + date + "\r\nab\ncd", true},
		{"in pieces", get11, 200, nil, false, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n" + date + "\r\n2\r\nab\r\n3\r\n\ncd\r\n0\r\n\r\n", true},
		{"of declared length", get11, 200, http.Header{"Content-Length": {"5"}}, false, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n" + date + "\r\nab\ncd", true},
		{"of a length that is none", get11, 200, http.Header{"Content-Length": {"+5"}}, true, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n" + date + "\r\nab\ncd", true},
		{"to HEAD", head11, 200, nil, true, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n" + date + "\r\n", true},
		{"to HEAD in pieces", head11, 200, nil, false, "HTTP/1.1 200 OK\r\n" + date + "\r\n", true},
		{"to HTTP/1.0", get10, 200, nil, true, "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n" + date + "\r\nab\ncd", false},
		{"to HTTP/1.0 kept open", keep10, 200, nil, true, "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n" + date + "Connection: keep-alive\r\n\r\nab\ncd", true},
		{"to HTTP/1.0 in pieces", keep10, 200, nil, false, "HTTP/1.0 200 OK\r\n" + date + "\r\nab\ncd", false},
		{"to a client that closes", close1, 200, nil, true, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n" + date + "Connection: close\r\n\r\nab\ncd", false},
		{"of a handler that closes", get11, 200, http.Header{"Connection": {"close"}}, true, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n" + date + "Connection: close\r\n\r\nab\ncd", false},
		{"with a date", get11, 299, http.Header{"Date": {"x"}}, true, "HTTP/1.1 299 \r\nDate: x\r\nContent-Length: 5\r\n\r\nab\ncd", true},
		{"sorted, and on lines of their own", get11, 200, http.Header{"X": {"b", "a"}, "A": {"1\r\nEvil: 2\x00"}, "No Name": {"x"}}, true,
			"HTTP/1.1 200 OK\r\nA: 1  Evil: 2 \r\nX: b\r\nX: a\r\nContent-Length: 5\r\n" + date + "\r\nab\ncd", true},
		{"with announced trailers", get11, 200, http.Header{"Trailer": {"x-a, Content-Length"}, "X-A": {"1"}}, true,
			"HTTP/1.1 200 OK\r\nTrailer: x-a, Content-Length\r\nX-A: 1\r\nTransfer-Encoding: chunked\r\n" + date + "\r\n2\r\nab\r\n3\r\n\ncd\r\n0\r\nX-A: 1\r\n\r\n", true},
		{"with other trailers", get11, 200, http.Header{"Trailer:X-B": {"2"}}, false,
			"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n" + date + "\r\n2\r\nab\r\n3\r\n\ncd\r\n0\r\nX-B: 2\r\n\r\n", true},
		{"of another coding", get11, 200, http.Header{"Transfer-Encoding": {"identity"}}, true, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n" + date + "\r\nab\ncd", true},
	} {
		var w http1.Writer
		w.Begin(headOf(t, c.request))
		got, err := response(&w, c.status, c.header, c.whole, "ab", "\ncd")
		if got != c.want || err != nil || w.KeepsOpen() != c.keepsOpen || !w.IsComplete() {
			t.Errorf("%s: open %v, complete %v, %v\n%q, want\n%q", c.name, w.KeepsOpen(), w.IsComplete(), err, got, c.want)
		}
	}
}

func TestResponsesWithoutABodyHaveNone(t *testing.T) {
	header := http.Header{"Content-Length": {"5"}, "Content-Type": {"a/b"}, "Connection": {"Upgrade"}, "Upgrade": {"x"}}
	for status, want := range map[int]string{
		101: "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nContent-Type: a/b\r\nDate: x\r\nUpgrade: x\r\n\r\n",
		204: "HTTP/1.1 204 No Content\r\nContent-Type: a/b\r\nDate: x\r\nUpgrade: x\r\n\r\n",
		304: "HTTP/1.1 304 Not Modified\r\nDate: x\r\nUpgrade: x\r\n\r\n",
	} {
		header["Date"] = []string{"x"}
		var w http1.Writer
		w.Begin(headOf(t, get11))
		if got, err := response(&w, status, header, true); got != want || err != nil || w.HasBody() || w.KeepsOpen() != (status != 101) {
			t.Errorf("%d: open %v, %v, %q, want %q", status, w.KeepsOpen(), err, got, want)
		}
		if err := w.Count(1); !errors.Is(err, http.ErrBodyNotAllowed) {
			t.Errorf("%d: a byte of its body: %v", status, err)
		}
	}
}

func TestBodiesOfAnotherLengthThanDeclaredAreFound(t *testing.T) {
	var w http1.Writer
	w.Begin(headOf(t, get11))
	if _, err := response(&w, 200, http.Header{"Content-Length": {"3"}}, false, "ab"); err != nil || w.IsComplete() {
		t.Errorf("one that is short: complete %v, %v", w.IsComplete(), err)
	}
	if !w.HasRoom(1) || w.HasRoom(2) || w.Written() != 2 {
		t.Errorf("%d bytes of it were written", w.Written())
	}
	if err := w.Count(2); !errors.Is(err, http.ErrContentLength) {
		t.Errorf("one that is long: %v", err)
	}
}

func TestInformationalResponsesComeBeforeTheOther(t *testing.T) {
	var w http1.Writer
	w.Begin(headOf(t, get11))
	b := w.AppendInformational(nil, 100, nil)
	b = w.AppendInformational(b, 103, http.Header{"Link": {"</a>"}, "Content-Length": {"5"}})
	rest, _ := response(&w, 200, nil, true, "x")
	want := "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\n"
	if got := string(b) + rest; !strings.HasPrefix(got, want) {
		t.Errorf("%q", got)
	}
}

func TestOrdinaryRequestCostsNoAllocation(t *testing.T) {
	request, answer := []byte(browserRequest), make([]byte, 0, 4096)
	header := http.Header{"Content-Type": {"text/plain"}, "Content-Length": {"13"}}
	var p http1.Parser
	var m http1.Request
	var w http1.Writer
	var r http.Request
	allocs := testing.AllocsPerRun(100, func() {
		if event, _, err := p.Parse(request); event != http1.HeadRead || err != nil {
			t.Fatal(event, err)
		}
		m.Fill(&r, p.Head())
		w.Begin(p.Head())
		p.Parse(nil) // its end
		answer = w.AppendHeadEnd(w.AppendHead(answer[:0], 200, header), -1, date)
	})
	if allocs > 0 {
		t.Errorf("%v allocations", allocs)
	}
}

// FuzzResponse checks that any response of a handler is sent as one response with its body.
func FuzzResponse(f *testing.F) {
	f.Add("GET", uint8(1), 200, "X-A", "b", "Content-Length", "5", []byte("hello"), false)
	f.Add("HEAD", uint8(0), 304, "Trailer", "X-B", "X-B", "\r\n\r\nx", []byte("hello"), true)
	f.Add("GET", uint8(1), 200, "Transfer-Encoding", "chunked", "Connection", "close", []byte("0\r\n\r\n"), true)
	f.Fuzz(func(t *testing.T, method string, minor uint8, status int, name, value, name2, value2 string, body []byte, whole bool) {
		if !http1.IsToken(method) || minor > 1 || status < 200 || status > 599 {
			return
		}
		var w http1.Writer
		w.Begin(headOf(t, method+" / HTTP/1."+string('0'+rune(minor))+"\r\nHost: a\r\nConnection: keep-alive\r\n\r\n"))
		header := http.Header{}
		header.Add(name, value)
		header.Add(name2, value2)
		text, err := response(&w, status, header, whole, string(body))
		if err != nil || len(body) == 0 {
			return
		}
		in := bufio.NewReader(strings.NewReader(text))
		resp, err := http.ReadResponse(in, &http.Request{Method: method})
		if err != nil {
			t.Fatalf("%v: %q", err, text)
		}
		got, err := io.ReadAll(resp.Body)
		if w.HasBody() && w.IsComplete() && (err != nil || !bytes.Equal(got, body)) {
			t.Fatalf("%q, %v: %q", got, err, text)
		}
		if w.KeepsOpen() && w.IsComplete() && in.Buffered() > 0 {
			t.Fatalf("%d bytes are left: %q", in.Buffered(), text)
		}
		if resp.Close && w.KeepsOpen() {
			t.Fatalf("the client closes: %q", text)
		}
	})
}
