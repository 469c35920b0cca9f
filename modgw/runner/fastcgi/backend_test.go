package fastcgi

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/modgw/modgw/internal/faulttest"
	"github.com/modgw/modgw/internal/fronttest"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/fcgi"
	"github.com/modgw/modgw/modgw/runner/relay"
)

// backend is a FastCGI program that a test plays.
type backend struct {
	*testing.T
	listener net.Listener
	values   fcgi.Values
	dials    atomic.Int64
	serve    func(*asked)
	running  sync.WaitGroup

	// has an element for each connection that is served now; there are MaxReqs, or any number
	processes chan struct{}

	mu    sync.Mutex
	conns []net.Conn
}

// asked is a connection to a backend, with the request that was read from it.
type asked struct {
	net.Conn
	r       fcgi.Reader
	id      uint16
	params  map[string]string
	body    string
	request int // counts them on this connection, from 1
	aborted bool
}

// play starts a backend that answers with serve, and an app that connects to it.
func play(t *testing.T, values fcgi.Values, answer func(*asked), change ...func(*modgw.Descriptor)) (*app, *backend) {
	t.Helper()
	b := &backend{T: t, values: values, serve: answer, processes: make(chan struct{}, cmp.Or(values.MaxReqs, 1000))}
	path := filepath.Join(fronttest.Dir(t), "s")
	var err error
	if b.listener, err = net.Listen("unix", path); err != nil {
		t.Fatal(err)
	}
	b.running.Go(b.accept)
	t.Cleanup(func() {
		b.listener.Close()
		b.mu.Lock()
		for _, c := range b.conns {
			c.Close()
		}
		b.mu.Unlock()
		b.running.Wait()
	})
	d := descriptor(t, modgw.FastCGI{Connect: "unix:" + path})
	for _, f := range change {
		f(&d)
	}
	return serve(t, d, nil), b
}

func (b *backend) accept() {
	for {
		conn, err := b.listener.Accept()
		if err != nil {
			return
		}
		b.mu.Lock()
		b.conns = append(b.conns, conn)
		b.mu.Unlock()
		b.running.Go(func() {
			b.processes <- struct{}{}
			defer func() { <-b.processes }()
			b.talk(conn)
		})
	}
}

// talk answers requests on a connection until serve closes it or the other side does.
func (b *backend) talk(conn net.Conn) {
	defer conn.Close()
	x := &asked{Conn: conn}
	x.r.Reset(conn, make([]byte, 70000), 0)
	for first := true; ; first = false {
		isRequest, err := x.read(b.values)
		if err != nil {
			return
		}
		if !isRequest {
			continue // it is a query of our capabilities
		}
		if first || x.request == 0 {
			b.dials.Add(1)
		}
		x.request++
		b.serve(x)
	}
}

// read reads a whole request.
func (x *asked) read(values fcgi.Values) (bool, error) {
	var params []byte
	x.body, x.aborted = "", false
	for {
		h, err := x.r.Next()
		if err != nil {
			return false, err
		}
		content, err := io.ReadAll(&x.r)
		if err != nil {
			return false, err
		}
		switch {
		case h.Type == fcgi.TypeGetValues:
			_, err = x.Write(fcgi.AppendRecord(nil, fcgi.TypeGetValuesResult, 0, values.Answer(string(content))))
			return false, err
		case h.Type == fcgi.TypeBegin:
			x.id = h.ID
		case h.Type == fcgi.TypeParams && len(content) > 0:
			params = append(params, content...)
		case h.Type == fcgi.TypeParams:
			x.params = map[string]string{}
			twice := ""
			err = fcgi.EachPair(string(params), func(name, value string) {
				if _, has := x.params[name]; has {
					twice = name
				}
				x.params[name] = value
			})
			if twice != "" {
				err = errors.New("it comes twice: " + twice)
			}
			if err != nil {
				return false, err
			}
		case h.Type == fcgi.TypeStdin && len(content) > 0:
			x.body += string(content)
		case h.Type == fcgi.TypeStdin:
			return true, nil
		case h.Type == fcgi.TypeAbort:
			x.aborted = true
		}
	}
}

func (x *asked) out(text string) {
	_, _ = x.Write(fcgi.AppendStream(nil, fcgi.TypeStdout, x.id, []byte(text)))
}

func (x *asked) end(status fcgi.ProtocolStatus) {
	_, _ = x.Write(fcgi.AppendEnd(nil, x.id, fcgi.End{Protocol: status}))
}

func (x *asked) raw(b ...byte) { _, _ = x.Write(b) }

const okHead = "Content-Type: text/plain\r\n\r\n"

// one is the most careful kind of program: one request at a time.
var one = fcgi.Values{MaxConns: 1}

func TestMaliciousProgramHurtsOnlyItself(t *testing.T) {
	id := func(x *asked, kind fcgi.Type, id uint16, content string) {
		_, _ = x.Write(fcgi.AppendRecord(nil, kind, id, []byte(content)))
	}
	for name, c := range map[string]struct {
		serve  func(x *asked)
		status int // 0: cut off visibly, or refused
		body   string
	}{
		"garbage":            {func(x *asked) { x.raw([]byte("HTTP/1.1 200 OK\r\n\r\nhello")...) }, 502, ""},
		"version 2":          {func(x *asked) { x.raw(2, 6, 0, byte(x.id), 0, 0, 0, 0) }, 502, ""},
		"other request":      {func(x *asked) { id(x, fcgi.TypeStdout, x.id+1, okHead+"theirs") }, 502, ""},
		"unknown type":       {func(x *asked) { id(x, 99, x.id, "") }, 502, ""},
		"a client's record":  {func(x *asked) { id(x, fcgi.TypeParams, x.id, "") }, 502, ""},
		"short end":          {func(x *asked) { id(x, fcgi.TypeEnd, x.id, "x") }, 502, ""},
		"long end":           {func(x *asked) { id(x, fcgi.TypeEnd, x.id, strings.Repeat("x", 9)) }, 502, ""},
		"protocol status 77": {func(x *asked) { x.end(77) }, 502, ""},
		"cannot multiplex":   {func(x *asked) { x.end(fcgi.CannotMultiplex) }, 502, ""},
		"overloaded":         {func(x *asked) { x.end(fcgi.Overloaded) }, 503, ""},
		"unknown role":       {func(x *asked) { x.end(fcgi.UnknownRole) }, 502, ""},
		"nothing":            {func(x *asked) { x.end(0) }, 502, ""},
		"end in head":        {func(x *asked) { x.out("Content-Type: text/plain\r\n"); x.end(0) }, 502, ""},
		"closes":             {func(x *asked) { x.Close() }, 502, ""},
		"closes in a record": {func(x *asked) { x.raw(1, 6, 0, byte(x.id), 0, 9, 0, 0, 'C'); x.Close() }, 502, ""},
		"closes in body":     {func(x *asked) { x.out(okHead + "half"); x.Close() }, 0, ""},
		"no colon":           {func(x *asked) { x.out("Content-Type\r\n\r\n"); x.end(0) }, 502, ""},
		"no CGI field":       {func(x *asked) { x.out("X-Other: 1\r\n\r\nbody"); x.end(0) }, 502, ""},
		"bad name":           {func(x *asked) { x.out("Bad Name: 1\r\n" + okHead); x.end(0) }, 502, ""},
		"NUL in value":       {func(x *asked) { x.out("A: \x00\r\n" + okHead); x.end(0) }, 502, ""},
		"CR in value":        {func(x *asked) { x.out("A: x\rSet-Cookie: y\r\n" + okHead); x.end(0) }, 502, ""},
		"folded header":      {func(x *asked) { x.out("A: x\r\n folded\r\n" + okHead); x.end(0) }, 502, ""},
		"status 99":          {func(x *asked) { x.out("Status: 99\r\n" + okHead); x.end(0) }, 502, ""},
		"status 1000":        {func(x *asked) { x.out("Status: 1000\r\n" + okHead); x.end(0) }, 502, ""},
		"two statuses":       {func(x *asked) { x.out("Status: 200\r\nStatus: 404\r\n" + okHead); x.end(0) }, 502, ""},
		"two types":          {func(x *asked) { x.out("Content-Type: text/html\r\n" + okHead); x.end(0) }, 502, ""},
		"two lengths":        {func(x *asked) { x.out("Content-Length: 1\r\nContent-Length: 2\r\n" + okHead); x.end(0) }, 502, ""},
		"length +1":          {func(x *asked) { x.out("Content-Length: +1\r\n" + okHead + "x"); x.end(0) }, 502, ""},
		"transfer encoding":  {func(x *asked) { x.out("Transfer-Encoding: chunked\r\n" + okHead + "plain"); x.end(0) }, 200, "plain"},
		"endless headers":    {func(x *asked) { x.out(strings.Repeat("A: b\r\n", 100000)); x.end(0) }, 502, ""},
		"endless header":     {func(x *asked) { x.out("A: " + strings.Repeat("b", 100000)); x.end(0) }, 502, ""},
		"too short":          {func(x *asked) { x.out("Content-Length: 10\r\n" + okHead + "short"); x.end(0) }, 0, ""},
		"too short, late":    {func(x *asked) { x.out("Content-Length: 100000\r\n" + okHead + strings.Repeat("x", 70000)); x.end(0) }, 0, ""},
		"too long":           {func(x *asked) { x.out("Content-Length: 3\r\n" + okHead + "yes and more"); x.end(0) }, 502, ""},
		"too long, late":     {func(x *asked) { x.out("Content-Length: 65537\r\n" + okHead + strings.Repeat("x", 70000)); x.end(0) }, 0, ""},
		"much padding": {func(x *asked) {
			x.raw(append([]byte{1, 6, 0, byte(x.id), 0, 0, 255, 0}, make([]byte, 255)...)...)
			x.out(okHead + "padded")
			x.end(0)
		}, 200, "padded"},
		"management records": {func(x *asked) { id(x, fcgi.TypeUnknown, 0, "12345678"); x.out(okHead + "managed"); x.end(0) }, 200, "managed"},
		"one byte in a record": {func(x *asked) {
			for i := range len(okHead) {
				x.out(okHead[i : i+1])
			}
			x.end(0)
		}, 200, ""},
		"much on stderr": {func(x *asked) {
			id(x, fcgi.TypeStderr, x.id, strings.Repeat("\x1b[31mloud ", 5000))
			x.out(okHead + "said")
			x.end(0)
		}, 200, "said"},
		"after the end":    {func(x *asked) { x.out(okHead + "first"); x.end(0); x.out(okHead + "second") }, 200, "first"},
		"HTTP status line": {func(x *asked) { x.out("HTTP/1.1 404 Not Found\r\n" + okHead + "no"); x.end(0) }, 404, "no"},
		"bare line feeds":  {func(x *asked) { x.out("Status: 201 Created\nContent-Type: text/plain\n\nmade"); x.end(0) }, 201, "made"},
	} {
		t.Run(name, func(t *testing.T) {
			a, _ := play(t, one, func(x *asked) {
				if x.params["REQUEST_URI"] == "/bad" {
					c.serve(x)
					return
				}
				x.out(okHead + "good")
				x.end(0)
			})
			got := a.Do("POST", "/bad", nil, nil)
			switch {
			case c.status == 0 && got.Err == nil && got.Status != 502:
				t.Errorf("the response looks complete: %d %q", got.Status, got.Body)
			case c.status != 0 && (got.Err != nil || got.Status != c.status || !strings.Contains(got.Body, c.body)):
				t.Errorf("got %d %q, %v", got.Status, got.Body, got.Err)
			}
			if strings.Contains(got.Body, "theirs") || strings.Contains(got.Body, "more") || got.Header.Get("Set-Cookie") != "" {
				t.Errorf("got %q, %v", got.Body, got.Header)
			}
			a.Want(a.Get("/good"), 200, "good")
			if strings.Contains(a.Log(), "\x1b") {
				t.Error("an escape sequence is in the log")
			}
		})
	}
}

func TestConnectionsAreKeptAndReplacedWhenTheyAreStale(t *testing.T) {
	closing := make(chan net.Conn, 1)
	a, b := play(t, one, func(x *asked) {
		x.out(okHead + x.params["REQUEST_METHOD"])
		x.end(0)
		if x.params["REQUEST_URI"] == "/last" {
			closing <- x.Conn
		}
	})
	for range 5 {
		a.Want(a.Get("/"), 200, "GET")
	}
	if n := b.dials.Load(); n != 1 {
		t.Errorf("%d connections for five requests", n)
	}
	for range 20 {
		a.Want(a.Get("/last"), 200, "GET")
		(<-closing).Close() // right after the response, as a program that was restarted
		a.Want(a.Do("POST", "/", strings.NewReader("order"), nil), 200, "POST")
		a.Want(a.Get("/last"), 200, "GET")
		(<-closing).Close()
		a.Want(a.Get("/"), 200, "GET")
	}
}

func TestAbortedRequestIsAbortedAtTheProgram(t *testing.T) {
	began, aborted := make(chan struct{}), make(chan bool, 1)
	a, _ := play(t, one, func(x *asked) {
		if x.params["REQUEST_URI"] != "/slow" {
			x.out(okHead + "next")
			x.end(0)
			return
		}
		x.out(okHead + "begins")
		close(began)
		h, err := x.r.Next()
		aborted <- err == nil && h.Type == fcgi.TypeAbort && h.ID == x.id
		x.end(0)
	})
	ctx, cancel := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, "GET", a.URL+"/slow", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	<-began
	cancel()
	response.Body.Close()
	if !<-aborted {
		t.Error("the program was not told")
	}
	a.Want(a.Get("/"), 200, "next")
}

func TestSeveralRequestsShareAConnectionWhereTheProgramCanDoThat(t *testing.T) {
	const requests = 40
	var wait sync.WaitGroup
	var mu sync.Mutex
	here := 0
	all := make(chan struct{})
	a, b := play(t, fcgi.Values{MaxConns: 2, MaxReqs: 100, Mpxs: true}, func(x *asked) {
		mine := *x
		wait.Go(func() {
			mu.Lock()
			if here++; here == requests {
				close(all)
			}
			mu.Unlock()
			<-all
			_, _ = mine.Conn.Write(fcgi.AppendEnd(fcgi.AppendStream(nil, fcgi.TypeStdout, mine.id, []byte(okHead+mine.params["REQUEST_URI"])), mine.id, fcgi.End{}))
		})
	})
	var clients sync.WaitGroup
	for i := range requests {
		clients.Go(func() { path := "/" + strings.Repeat("x", i); a.Want(a.Get(path), 200, path) })
	}
	clients.Wait()
	wait.Wait()
	if n := b.dials.Load(); n > 2 {
		t.Errorf("%d connections", n)
	}
}

// A program with fewer processes than requests would otherwise never accept some of the
// connections: all its processes would wait for further requests on the kept ones.
func TestKeptConnectionsMakeWayForThoseThatWait(t *testing.T) {
	a, _ := play(t, fcgi.Values{MaxReqs: 2}, func(x *asked) {
		x.out(okHead + "served")
		x.end(0)
	})
	var clients sync.WaitGroup
	for range 30 {
		clients.Go(func() { a.Want(a.Get("/"), 200, "served") })
	}
	clients.Wait()
}

func TestProgramThatCanDoMoreThanItSays(t *testing.T) {
	var here sync.WaitGroup
	here.Add(5)
	a, _ := play(t, one, func(x *asked) {
		here.Done()
		here.Wait()
		x.out(okHead + "together")
		x.end(0)
	}, func(d *modgw.Descriptor) { d.FastCGI.Concurrency = 5 })
	var clients sync.WaitGroup
	for range 5 {
		clients.Go(func() { a.Want(a.Get("/"), 200, "together") })
	}
	clients.Wait()
}

func TestResponseWaitsForItsClient(t *testing.T) {
	var written atomic.Int64
	a, _ := play(t, one, func(x *asked) {
		x.out(okHead)
		for range 600 { // more than may be taken, which is checked below
			x.out(strings.Repeat("x", 60000))
			written.Add(60000)
		}
		x.end(0)
	}, func(d *modgw.Descriptor) { d.Spool.Response = 4 << 20 })
	response, err := http.Get(a.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var before int64 = -1
	a.Eventually("a halt", func() bool { // everything between is full
		now := written.Load()
		halted := now > 0 && now == before
		before = now
		time.Sleep(50 * time.Millisecond)
		return halted
	})
	if n := written.Load(); n > 30<<20 {
		t.Errorf("%d bytes were taken for a client that reads none", n)
	}
	if n, err := io.Copy(io.Discard, response.Body); n != 36_000_000 || err != nil {
		t.Errorf("got %d bytes, %v", n, err)
	}
}

func TestBodyIsStreamedBothWays(t *testing.T) {
	a, _ := play(t, one, func(x *asked) {
		x.out(okHead + x.params["CONTENT_LENGTH"] + " " + x.body[:5])
		x.end(0)
	})
	a.Want(a.Do("POST", "/", strings.NewReader("hello"+strings.Repeat("x", 5<<20)), nil), 200, "5242885 hello")
}

// P5: the content of a body is never mistaken for records, however long it is.
func TestRecordsInABodyAreABody(t *testing.T) {
	a, _ := play(t, one, func(x *asked) {
		x.out(okHead + x.params["REQUEST_URI"] + " " + strconv.Itoa(len(x.body)))
		x.end(0)
	})
	fake := fcgi.AppendBegin(nil, 1, fcgi.Begin{Role: fcgi.RoleResponder})
	fake = fcgi.AppendStream(fake, fcgi.TypeParams, 1, fcgi.AppendPair(nil, "REQUEST_URI", "/smuggled"))
	body := strings.Repeat("x", 65528) + strings.Repeat(string(fake), 1500)
	for range 3 {
		a.Want(a.Do("POST", "/honest", strings.NewReader(body), nil), 200, "/honest "+strconv.Itoa(len(body)))
		a.Want(a.Do("POST", "/honest", struct{ io.Reader }{strings.NewReader(body)}, nil), 200, "/honest "+strconv.Itoa(len(body)))
	}
}

// Variables that determine what PHP executes, or how, are only set by the runner.
func TestVariablesOfAFrontChooseNothing(t *testing.T) {
	d := descriptor(t, modgw.FastCGI{})
	c := &call{Request: &relay.Request{
		R: httptest.NewRequest("GET", "/x.php", nil),
		Info: &modgw.RequestInfo{Variables: map[string]string{
			"PHP_VALUE": "auto_prepend_file=/etc/passwd", "PHP_ADMIN_VALUE": "x", "SCRIPT_FILENAME": "/etc/passwd", "DOCUMENT_ROOT": "/etc",
			"PATH_TRANSLATED": "/etc", "REDIRECT_STATUS": "500", "HTTP_PROXY": "http://evil", "CONTENT_LENGTH": "9", "ORIG_PATH_INFO": "x",
			"SSL_CLIENT_S_DN": "CN=ada",
		}},
		Config: &modgw.RunnerConfig{Descriptor: d},
	}, runner: &Runner{}}
	got := map[string]string{}
	err := fcgi.EachPair(string(c.params(location{filename: "/srv/x.php", root: "/srv"}, -1)), func(name, value string) {
		if _, twice := got[name]; twice {
			t.Errorf("%s comes twice", name)
		}
		got[name] = value
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"SCRIPT_FILENAME": "/srv/x.php", "DOCUMENT_ROOT": "/srv", "REDIRECT_STATUS": "200", "SSL_CLIENT_S_DN": "CN=ada",
		"PHP_VALUE": "", "PHP_ADMIN_VALUE": "", "PATH_TRANSLATED": "", "HTTP_PROXY": "", "CONTENT_LENGTH": "", "ORIG_PATH_INFO": "",
	} {
		if got[name] != value {
			t.Errorf("%s is %q, not %q", name, got[name], value)
		}
	}
}

func TestSlowProgramIsTimedOut(t *testing.T) {
	free := make(chan struct{})
	a, _ := play(t, fcgi.Values{}, func(x *asked) {
		if x.params["REQUEST_URI"] == "/half" {
			x.out(okHead + "half")
		}
		<-free
	}, func(d *modgw.Descriptor) { d.Timeouts.Request = 50 * time.Millisecond })
	defer close(free)
	a.Want(a.Get("/"), 504, "")
	if got := a.Get("/half"); got.Err == nil && got.Status != 504 {
		t.Errorf("the response looks complete: %q", got.Body)
	}
}

func TestUnreachableProgramIsAFault(t *testing.T) {
	_, err := deploy(t, descriptor(t, modgw.FastCGI{Connect: "unix:/no/such/socket"}), nil)
	var fault *modgw.Fault
	if !errors.As(err, &fault) || !faulttest.Has(fault.Error(), "MGW-CGI-002") {
		t.Errorf("got %v", err)
	}
}
