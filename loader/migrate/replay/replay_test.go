package replay

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// serverOf runs a handler on loopback until the test ends.
func serverOf(t *testing.T, handler http.HandlerFunc) *Server {
	t.Helper()
	running := httptest.NewServer(handler)
	t.Cleanup(running.Close)
	u, err := url.Parse(running.URL)
	if err != nil {
		t.Fatal(err)
	}
	return &Server{URL: u}
}

// compareOne returns the result of one request to handlers that act as the two servers.
func compareOne(t *testing.T, old, new http.HandlerFunc, target string) Result {
	t.Helper()
	method, target, _ := strings.Cut(target, " ")
	results := Replay(t.Context(), Config{
		Plain: Pair{serverOf(t, old), serverOf(t, new)}, Host: "www.example.com",
		Requests: []Request{{Method: method, Target: target, Count: 1}},
	})
	if len(results) != 1 {
		t.Fatalf("%d results", len(results))
	}
	return results[0]
}

// page answers with a text in which %d is a number that no other answer has.
func page(text string, header ...string) http.HandlerFunc {
	var number atomic.Int64
	number.Store(time.Now().UnixNano() % 1e6)
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		n := number.Add(7919)
		for i := 0; i < len(header); i += 2 {
			w.Header().Add(header[i], strings.ReplaceAll(header[i+1], "%d", fmt.Sprint(n)))
		}
		io.WriteString(w, strings.ReplaceAll(text, "%d", fmt.Sprint(n)))
	}
}

func TestAnswersThatDifferOnlyWhereTheOldOnesDoAreAlike(t *testing.T) {
	t.Parallel()
	for name, pair := range map[string][2]http.HandlerFunc{
		"the same":         {page("<p>hello</p>"), page("<p>hello</p>")},
		"a time":           {page("<p>It is %d.</p>\n<p>hello</p>"), page("<p>It is %d.</p>\n<p>hello</p>")},
		"a token":          {page(`<input value="abc%d+/%d==">`), page(`<input value="x%d+y/%dQ=">`)},
		"a session cookie": {page("", "Set-Cookie", "id=%d; HttpOnly; Path=/"), page("", "Set-Cookie", "id=%d; HttpOnly; Path=/")},
		"a nonce":          {page("", "Content-Security-Policy", "script-src 'nonce-%d'; img-src *"), page("", "Content-Security-Policy", "script-src 'nonce-%d'; img-src *")},
		"a header twice":   {page("", "X-Frame-Options", "DENY", "X-Frame-Options", "DENY"), page("", "X-Frame-Options", "DENY")},
		"an offer":         {page(""), page("", "Accept-Ranges", "bytes", "Etag", `"1"`)},
		"headers of servers": {
			page("", "Server", "Apache", "Vary", "Cookie", "Vary", "Accept-Encoding", "Etag", `"1"`, "Keep-Alive", "timeout=5"),
			page("", "Server", "modgw", "Vary", "accept-encoding, Cookie", "Etag", `"2-gzip"`),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if r := compareOne(t, pair[0], pair[1], "GET /"); !r.Alike() {
				t.Errorf("differ: %v %s", r.Differences, r.Failed)
			}
		})
	}
}

func TestDifferencesAreNamed(t *testing.T) {
	t.Parallel()
	gone := func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) }
	redirect := func(to string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, http.StatusFound) }
	}
	for name, test := range map[string]struct {
		old, new http.HandlerFunc
		want     string
	}{
		"status":                  {page("hello"), http.NotFound, "status 200 became 404: 404 page not found"},
		"no answer":               {page("hello"), gone, "answer 200 became unexpected EOF"},
		"redirect":                {redirect("/a"), redirect("/b"), `header Location: "/a" became "/b"`},
		"redirect to https":       {redirect("https://www.example.com/"), redirect("http://www.example.com/"), `header Location: "https://www.example.com/" became "//www.example.com/"`},
		"missing header":          {page("", "X-Frame-Options", "DENY"), page(""), `header X-Frame-Options: "DENY" became nothing`},
		"new header":              {page(""), page("", "X-Powered-By", "x"), `header X-Powered-By: nothing became "x"`},
		"cookie":                  {page("", "Set-Cookie", "id=%d; HttpOnly"), page("", "Set-Cookie", "id=%d"), `; HttpOnly" became`},
		"body":                    {page("one\ntwo %d\nthree"), page("one\ntwo %d\nfour"), "body, line 3:\n    two"},
		"more beside what varies": {page("<p>It is %d.</p>"), page("<p>It is %d, and an error.</p>"), "+ <p>It is"},
		"a line more":             {page("one\n<p>%d</p>"), page("one\nnew\n<p>%d</p>"), "body, line 2:\n    one"},
		"bytes":                   {page("\x00\x01"), page("\x00\x02\x03"), "- 2 bytes\n  + 3 other bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := compareOne(t, test.old, test.new, "GET /")
			if len(r.Differences) == 0 {
				t.Fatalf("alike, %q", r.Failed)
			}
			var all []string
			for _, d := range r.Differences {
				all = append(all, d.String())
			}
			if got := strings.Join(all, "\n"); !strings.Contains(got, test.want) {
				t.Errorf("got\n%s\nwant in it\n%s", got, test.want)
			}
		})
	}
}

func TestRequestsArriveAsTheyWereLogged(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	server := &Server{URL: &url.URL{Scheme: "http", Host: listener.Addr().String()}}
	server.Header = http.Header{"Authorization": {"Basic eDp5"}}
	var asking sync.WaitGroup
	defer asking.Wait()
	asking.Go(func() {
		server.Ask(t.Context(), Request{Method: "HEAD", Host: "www.example.com", Target: "//a%2Fb/%zz?x=1&y"})
	})
	conn, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	got := make([]byte, 4096)
	n, err := conn.Read(got)
	if err != nil {
		t.Fatal(err)
	}
	want := "HEAD //a%2Fb/%zz?x=1&y HTTP/1.1\r\nHost: www.example.com\r\nAccept: */*\r\nAuthorization: Basic eDp5\r\n" +
		"Connection: close\r\nUser-Agent: " + userAgent + "\r\n\r\n"
	if string(got[:n]) != want {
		t.Errorf("the server got\n%s\nwant\n%s", got[:n], want)
	}
}

func TestErrorThatComesNowAndThenIsFoundAndCalledUnsteady(t *testing.T) {
	t.Parallel()
	var count atomic.Int64
	now := func(w http.ResponseWriter, r *http.Request) {
		if count.Add(1) == 1 {
			w.WriteHeader(http.StatusBadGateway)
		}
	}
	r := compareOne(t, func(http.ResponseWriter, *http.Request) {}, now, "GET /")
	if r.Alike() || !r.Unsteady {
		t.Errorf("differences %v, unsteady %v", r.Differences, r.Unsteady)
	}
}

func TestValueThatVariesSeldomIsNoDifference(t *testing.T) {
	t.Parallel()
	one := func() http.HandlerFunc {
		var count atomic.Int64
		return func(w http.ResponseWriter, r *http.Request) { fmt.Fprintf(w, "<b>%d</b>", count.Add(1)/3) }
	}
	if r := compareOne(t, one(), one(), "GET /"); !r.Alike() {
		t.Errorf("differ: %v", r.Differences)
	}
}

func TestServerThatIsGoneIsNoDifference(t *testing.T) {
	t.Parallel()
	stopped := httptest.NewServer(http.NotFoundHandler())
	u, _ := url.Parse(stopped.URL)
	stopped.Close()
	results := Replay(t.Context(), Config{
		Plain:    Pair{&Server{URL: u}, serverOf(t, page(""))},
		Requests: []Request{{Method: "GET", Target: "/"}},
	})
	if r := results[0]; r.Failed == "" || r.Alike() || len(r.Differences) > 0 {
		t.Errorf("got %+v", r)
	}
}

func TestWhatIsReportedEndsWithTheContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	server := serverOf(t, page("x"))
	results := Replay(ctx, Config{
		Plain: Pair{server, server}, Parallel: 1,
		Requests: slices.Repeat([]Request{{Method: "GET", Target: "/"}}, 100),
		Done:     func(Result) { cancel() },
	})
	if len(results) == 0 || len(results) > 2 {
		t.Errorf("%d results", len(results))
	}
}

func TestLongBodiesAreComparedToTheirEnd(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("0123456789abcde\n", longestBody/16)
	if r := compareOne(t, page(long+"end"), page(long+"end"), "GET /"); !r.Alike() {
		t.Errorf("differ: %v", r.Differences)
	}
	if r := compareOne(t, page(long+"end"), page(long+"other"), "GET /"); r.Alike() {
		t.Error("alike, and the ends differ")
	}
}
