package fcgi

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/fcgi"
	"github.com/modgw/modgw/modgw/front"
)

// echo answers with method, target, Content-Length, length of the body and how reading it ended.
func echo(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	w.Header().Set("X-Custom", r.Header.Get("X-Custom"))
	fmt.Fprintf(w, "%s %s %d %d %v", r.Method, r.RequestURI, r.ContentLength, len(body), err)
}

func TestF51RecordsThatAreNone(t *testing.T) {
	socket := serve(t, handle(echo))
	for name, bytes := range map[string][]byte{
		"version 2":               {2, 1, 0, 1, 0, 8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0},
		"HTTP":                    []byte("GET / HTTP/1.1\r\n\r\n"),
		"unknown type with id":    record(99, 1, "x"),
		"STDOUT from a client":    record(fcgi.TypeStdout, 1, "x"),
		"BEGIN with id 0":         begin(0, true),
		"STDIN with id 0":         record(fcgi.TypeStdin, 0, "x"),
		"BEGIN of 4 bytes":        record(fcgi.TypeBegin, 1, "abcd"),
		"PARAMS after their end":  slices.Concat(begin(1, true), recordsOf(fcgi.TypeParams, 1, pairs(vars(map[string]string{"CONTENT_LENGTH": "3"}))), record(fcgi.TypeParams, 1, "x")),
		"STDIN before PARAMS end": slices.Concat(begin(1, true), record(fcgi.TypeStdin, 1, "x")),
	} {
		c := dial(t, socket)
		c.send(bytes)
		if !c.ended() {
			t.Errorf("%s: the connection goes on", name)
		}
	}

	c := dial(t, socket)
	c.send(record(99, 0, "what?"), request(1, false, nil, ""))
	h, content, _ := c.next()
	if h.Type != fcgi.TypeUnknown || h.ID != 0 || content[0] != 99 || strings.Trim(string(content[1:]), "\x00") != "" {
		t.Errorf("answer to management record 99: %+v %q", h, content)
	}
	if a := c.read(1); a.status() != "Status: 200" {
		t.Errorf("request after it: %+v", a)
	}
}

func TestF52TruncatedAtEveryByte(t *testing.T) {
	var complete atomic.Int32
	socket := serve(t, handle(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(r.Body); err == nil {
			complete.Add(1)
		}
	}))
	whole := request(1, true, map[string]string{"REQUEST_METHOD": "POST", "CONTENT_LENGTH": "5"}, "hello")
	for n := range len(whole) {
		c := dial(t, socket)
		c.send(whole[:n])
		c.conn.(interface{ CloseWrite() error }).CloseWrite()
		if a := c.read(1); a.end != nil {
			t.Fatalf("%d of %d bytes were answered: %q", n, len(whole), a.stdout)
		}
	}
	if n := complete.Load(); n != 0 {
		t.Errorf("%d handlers saw a whole request", n)
	}
	c := dial(t, socket)
	c.send(whole)
	if a := c.read(1); a.end == nil || complete.Load() != 1 {
		t.Errorf("the whole request: %+v", a)
	}
}

func TestF53RecordsOfAllShapes(t *testing.T) {
	socket := serve(t, handle(echo))
	params := pairs(vars(map[string]string{"HTTP_X_CUSTOM": strings.Repeat("v", 300), "REQUEST_METHOD": "POST", "CONTENT_LENGTH": "65535"}))
	body := strings.Repeat("b", 65535)
	oneByOne := begin(1, true)
	for _, b := range params {
		oneByOne = append(oneByOne, 1, byte(fcgi.TypeParams), 0, 1, 0, 1, 3, 0, b, 'p', 'a', 'd')
	}
	oneByOne = append(oneByOne, record(fcgi.TypeParams, 1, "")...)
	// The longest possible record, with padding that looks like a record.
	longest := append([]byte{1, byte(fcgi.TypeStdin), 0, 1, 0xff, 0xff, 0xff, 0}, body...)
	longest = append(longest, append(begin(7, true), make([]byte, 255-16)...)...)
	longest = append(longest, record(fcgi.TypeStdin, 1, "")...)
	for name, bytes := range map[string][]byte{
		"one byte a record": append(oneByOne, recordsOf(fcgi.TypeStdin, 1, []byte(body))...),
		"longest record":    slices.Concat(begin(1, true), recordsOf(fcgi.TypeParams, 1, params), longest),
	} {
		c := dial(t, socket)
		c.send(bytes)
		a := c.read(1)
		if a.body() != "POST /x 65535 65535 <nil>" || !strings.Contains(a.head(), strings.Repeat("v", 300)) {
			t.Errorf("%s: %q", name, a.stdout)
		}
		c.send(request(1, false, nil, ""))
		if a := c.read(1); a.body() != "GET /x 0 0 <nil>" {
			t.Errorf("%s: next request: %q", name, a.stdout)
		}
	}
}

func TestF53ParamsThatAreEmpty(t *testing.T) {
	c := dial(t, serve(t, handle(echo)))
	c.send(begin(1, true), record(fcgi.TypeParams, 1, ""), record(fcgi.TypeStdin, 1, ""))
	if a := c.read(1); a.status() != "Status: 400" {
		t.Errorf("a request without variables: %q", a.stdout)
	}
}

func TestF54RecordsOutOfPlace(t *testing.T) {
	socket := serve(t, handle(echo))
	c := dial(t, socket)
	c.send(record(fcgi.TypeParams, 9, "x"), record(fcgi.TypeStdin, 9, "x"), record(fcgi.TypeData, 9, "x"), record(fcgi.TypeAbort, 9, ""))
	c.send(request(1, true, nil, ""))
	if a := c.read(1); a.status() != "Status: 200" {
		t.Errorf("after records of no request: %q", a.stdout)
	}
	c.send(record(fcgi.TypeStdin, 1, "late"), record(fcgi.TypeStdin, 1, ""), request(1, true, nil, ""))
	if a := c.read(1); a.status() != "Status: 200" {
		t.Errorf("after late STDIN: %q", a.stdout)
	}
	c.send(begin(1, true), begin(1, true))
	if !c.ended() {
		t.Error("the connection survives a request that begins twice")
	}
}

func TestInterleavedRequestsAreAllAnswered(t *testing.T) {
	c := dial(t, serve(t, handle(echo)))
	const n = 20
	var heads, bodies []byte
	for id := uint16(n); id > 0; id-- {
		v := map[string]string{"REQUEST_METHOD": "POST", "REQUEST_URI": fmt.Sprintf("/%d", id), "SCRIPT_NAME": fmt.Sprintf("/%d", id), "CONTENT_LENGTH": "6"}
		heads = append(append(heads, begin(id, true)...), recordsOf(fcgi.TypeParams, id, pairs(vars(v)))...)
	}
	for id := uint16(1); id <= n; id++ {
		bodies = append(bodies, record(fcgi.TypeStdin, id, "abc")...)
	}
	for id := uint16(n); id > 0; id-- {
		bodies = append(bodies, recordsOf(fcgi.TypeStdin, id, []byte("def"))...)
	}
	c.send(heads, bodies)
	got := make(map[uint16]string)
	for ends := 0; ends < n; {
		h, content, ok := c.next()
		if !ok {
			t.Fatalf("the connection ended after %d answers", ends)
		}
		got[h.ID] += string(content)
		if h.Type == fcgi.TypeEnd {
			ends++
		}
	}
	for id := uint16(1); id <= n; id++ {
		if want := fmt.Sprintf("POST /%d 6 6 <nil>", id); !strings.Contains(got[id], want) {
			t.Errorf("request %d: %q", id, got[id])
		}
	}
}

func TestRequestsBeyondTheLimitOfAConnectionAreRefused(t *testing.T) {
	release, told := make(chan struct{}), make(chan string, 1)
	socket := serve(t, Config{MaxStreams: 2, Config: front.Config{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { <-release }),
		Refused: func(_ *http.Request, status int, f *modgw.Fault) { told <- fmt.Sprint(status, " ", f.Code) },
	}})
	c := dial(t, socket)
	c.send(request(1, true, nil, ""), request(2, true, nil, ""), request(3, true, nil, ""))
	a := c.read(3)
	close(release)
	if a.status() != "Status: 503" || !strings.Contains(a.head(), "Retry-After: ") || a.end.Protocol != fcgi.RequestComplete {
		t.Errorf("the third request: %+v", a)
	}
	if got := <-told; got != "503 "+tooManyStreams(2).Code {
		t.Errorf("told %q", got)
	}
}

func TestF55AbortEndsTheRequest(t *testing.T) {
	cancelled := make(chan error, 1)
	socket := serve(t, handle(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/x" {
			echo(w, r)
			return
		}
		<-r.Context().Done()
		_, err := w.Write([]byte("too late"))
		cancelled <- err
	}))
	c := dial(t, socket)
	aborted := func(name string) {
		t.Helper()
		if a := c.read(1); a.end == nil || a.stdout != "" || a.end.Protocol != fcgi.RequestComplete {
			t.Errorf("%s: %+v", name, a)
		}
	}
	c.send(begin(1, true), record(fcgi.TypeParams, 1, "\x01"), record(fcgi.TypeAbort, 1, ""))
	aborted("before the end of PARAMS")
	c.send(begin(1, true), recordsOf(fcgi.TypeParams, 1, pairs(vars(map[string]string{"CONTENT_LENGTH": "9"}))), record(fcgi.TypeStdin, 1, "abc"), record(fcgi.TypeAbort, 1, ""))
	aborted("in mid-STDIN")
	c.send(request(1, true, nil, ""), record(fcgi.TypeAbort, 1, ""))
	aborted("while the handler runs")
	if err := <-cancelled; err != nil {
		t.Errorf("a write into the buffer after the abort: %v", err)
	}
	c.send(record(fcgi.TypeAbort, 1, ""), request(1, true, map[string]string{"SCRIPT_NAME": "/y", "REQUEST_URI": "/y"}, ""))
	if a := c.read(1); a.body() != "GET /y 0 0 <nil>" {
		t.Errorf("after an abort of nothing: %q", a.stdout)
	}
}

func TestF56OtherRolesAreUnknown(t *testing.T) {
	socket := serve(t, handle(echo))
	for _, role := range []fcgi.Role{0, fcgi.RoleAuthorizer, fcgi.RoleFilter, 77} {
		c := dial(t, socket)
		c.send(fcgi.AppendBegin(nil, 5, fcgi.Begin{Role: role, KeepConn: true}), recordsOf(fcgi.TypeParams, 5, nil))
		if a := c.read(5); a.end == nil || a.end.Protocol != fcgi.UnknownRole || a.stdout != "" {
			t.Errorf("role %d: %+v", role, a)
		}
		c.send(request(1, false, nil, ""))
		if a := c.read(1); a.status() != "Status: 200" {
			t.Errorf("after role %d: %+v", role, a)
		}
	}
}

func TestAuthorizerIsARoleForHandlersThatKnowIt(t *testing.T) {
	config := handle(func(w http.ResponseWriter, r *http.Request) {
		info := modgw.RequestInfoOf(r)
		w.Header().Set("Variable-Path", info.Path)
		if !info.Authorizer || r.ContentLength != 0 {
			w.WriteHeader(http.StatusForbidden)
		}
	})
	config.Authorizer = true
	socket := serve(t, config)
	c := dial(t, socket)
	params := fcgi.AppendPair(fcgi.AppendPair(fcgi.AppendPair(nil, "REQUEST_METHOD", "POST"), "REQUEST_URI", "/secret?x"), "CONTENT_LENGTH", "5")
	// With and without the end of a body that it cannot have.
	for _, stray := range [][]byte{nil, recordsOf(fcgi.TypeStdin, 5, nil)} {
		c.send(fcgi.AppendBegin(nil, 5, fcgi.Begin{Role: fcgi.RoleAuthorizer, KeepConn: true}), recordsOf(fcgi.TypeParams, 5, params), stray)
		if a := c.read(5); a.status() != "Status: 200" || !strings.Contains(a.stdout, "Variable-Path: /secret") {
			t.Errorf("got %+v", a)
		}
	}
}

func TestF57ValuesAreTold(t *testing.T) {
	socket := serve(t, handle(echo))
	ask := func(query []byte) map[string]string {
		c := dial(t, socket)
		c.send(fcgi.AppendRecord(nil, fcgi.TypeGetValues, 0, query))
		h, content, _ := c.next()
		if h.Type != fcgi.TypeGetValuesResult || h.ID != 0 {
			t.Fatalf("%+v", h)
		}
		got := make(map[string]string)
		err := fcgi.EachPair(string(content), func(name, value string) { got[name] = value })
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	query := pairs(map[string]string{"FCGI_MAX_CONNS": "", "FCGI_MAX_REQS": "", "FCGI_MPXS_CONNS": "", "FCGI_OTHER": "", "": ""})
	if got := ask(query); len(got) != 3 || got["FCGI_MPXS_CONNS"] != "1" || got["FCGI_MAX_REQS"] != "100" {
		t.Errorf("all values: %q", got)
	}
	if got := ask(nil); len(got) != 0 {
		t.Errorf("no values: %q", got)
	}
	var many []byte
	for i := range 10000 {
		many = fcgi.AppendPair(many, fmt.Sprintf("N%d", i), "")
	}
	if got := ask(many[:60000]); len(got) != 0 {
		t.Errorf("many names: %q", got)
	}
}

func TestF58OddVariables(t *testing.T) {
	socket := serve(t, handle(echo))
	plain := pairs(vars(nil))
	many := slices.Clone(plain)
	for i := range 4097 {
		many = fcgi.AppendPair(many, fmt.Sprintf("V%d", i), "x")
	}
	for name, c := range map[string]struct {
		params []byte
		want   string
	}{
		"0-length name":      {fcgi.AppendPair(slices.Clone(plain), "", "value"), "200"},
		"0-length both":      {fcgi.AppendPair(slices.Clone(plain), "", ""), "200"},
		"duplicate":          {fcgi.AppendPair(slices.Clone(plain), "REQUEST_URI", "/x?last"), "200"},
		"NUL in a value":     {fcgi.AppendPair(slices.Clone(plain), "A", "b\x00c"), "400"},
		"NUL in a name":      {fcgi.AppendPair(slices.Clone(plain), "A\x00", "b"), "400"},
		"control in header":  {fcgi.AppendPair(slices.Clone(plain), "HTTP_A", "b\nc"), "400"},
		"invalid UTF-8":      {fcgi.AppendPair(slices.Clone(plain), "HTTP_A", "\xff\xfe"), "200"},
		"value too long":     {fcgi.AppendPair(slices.Clone(plain), "A", strings.Repeat("v", 64<<10+1)), "431"},
		"longest value":      {fcgi.AppendPair(slices.Clone(plain), "A", strings.Repeat("v", 64<<10)), "200"},
		"name too long":      {fcgi.AppendPair(slices.Clone(plain), strings.Repeat("N", 257), "v"), "431"},
		"too much":           {slices.Concat(plain, make([]byte, 1<<20)), "431"},
		"too many":           {many, "431"},
		"length in mid-air":  {append(slices.Clone(plain), 0x80, 0), "400"},
		"length beyond":      {append(slices.Clone(plain), 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), "400"},
		"value beyond":       {append(slices.Clone(plain), 1, 200, 'A', 'b'), "400"},
		"lengths that wrap":  {append(slices.Clone(plain), 0x80, 0, 0, 1, 0xff, 0xff, 0xff, 0xff, 'A'), "400"},
		"one length missing": {append(slices.Clone(plain), 1), "400"},
	} {
		conn := dial(t, socket)
		conn.send(begin(1, true), recordsOf(fcgi.TypeParams, 1, c.params), record(fcgi.TypeStdin, 1, ""))
		if a := conn.read(1); a.status() != "Status: "+c.want || a.end == nil {
			t.Errorf("%s: %q, want %s", name, a.stdout, c.want)
		}
		conn.send(request(2, false, nil, ""))
		if a := conn.read(2); a.status() != "Status: 200" {
			t.Errorf("%s: next request: %q", name, a.stdout)
		}
	}
}
