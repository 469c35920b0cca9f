package fcgi

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/modgw/modgw/internal/fronttest"
	"github.com/modgw/modgw/modgw/fcgi"
)

func TestSmallResponseIsOneRecordAndOneWrite(t *testing.T) {
	socket := serve(t, handle(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		fmt.Fprint(w, "hello")
		fmt.Fprint(w, " world")
	}))
	c := dial(t, socket)
	c.send(request(3, true, nil, ""))
	b := make([]byte, 1<<16)
	n, err := c.conn.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	content := "Content-Type: text/plain\r\nStatus: 200 OK\r\nContent-Length: 11\r\n\r\nhello world"
	want := fcgi.AppendRecord(nil, fcgi.TypeStdout, 3, []byte(content))
	want = fcgi.AppendEnd(want, 3, fcgi.End{})
	if !bytes.Equal(b[:n], want) {
		t.Errorf("got  %q\nwant %q", b[:n], want)
	}
}

func TestResponses(t *testing.T) {
	long := strings.Repeat("v", 8000)
	for name, c := range map[string]struct {
		handler         http.HandlerFunc
		method          string
		head, notInHead string
		body            string
	}{
		"nothing":          {handler: func(w http.ResponseWriter, r *http.Request) {}, head: "Status: 200 OK\r\nContent-Length: 0"},
		"status":           {handler: func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(418) }, head: "Status: 418 I'm a teapot"},
		"second status":    {handler: func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(404); w.WriteHeader(200) }, head: "Status: 404"},
		"unknown status":   {handler: func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(599) }, head: "Status: 599 "},
		"status 99":        {handler: func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(99) }, head: "Status: 500"},
		"status 700":       {handler: func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(700) }, head: "Status: 500"},
		"early hints":      {handler: func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(103); w.WriteHeader(202) }, head: "Status: 202", notInHead: "103"},
		"location":         {handler: func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Location", "/y") }, head: "Status: 302 Found"},
		"location and 201": {handler: func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Location", "/y"); w.WriteHeader(201) }, head: "Status: 201"},
		"location and 200": {handler: func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Location", "/y"); w.WriteHeader(200) }, head: "Status: 200"},
		"late header":      {handler: func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(200); w.Header().Set("X-Late", "1") }, head: "Status: 200", notInHead: "X-Late"},
		"hop by hop": {handler: func(w http.ResponseWriter, r *http.Request) {
			for _, name := range []string{"Connection", "Keep-Alive", "Transfer-Encoding", "Upgrade", "Te", "Trailer", "X-Mine"} {
				w.Header().Set(name, "x-mine")
			}
			fmt.Fprint(w, "x")
		}, head: "Status: 200 OK\r\nContent-Length: 1", notInHead: "x-mine", body: "x"},
		"HEAD":            {handler: func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "hello") }, method: "HEAD", head: "Content-Length: 5"},
		"204":             {handler: func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(204); fmt.Fprint(w, "x") }, head: "Status: 204", notInHead: "Content-Length"},
		"304":             {handler: func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(304); fmt.Fprint(w, "x") }, head: "Status: 304", notInHead: "Content-Length"},
		"no type guessed": {handler: func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "<html>") }, head: "Status: 200", notInHead: "Content-Type", body: "<html>"},
		"wrong length": {handler: func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "x")
			fmt.Fprint(w, "hi")
		}, head: "Content-Length: 2", body: "hi"},
		"two lengths": {handler: func(w http.ResponseWriter, r *http.Request) {
			w.Header()["Content-Length"] = []string{"2", "3"}
			fmt.Fprint(w, "hi")
		}, head: "Content-Length: 2", notInHead: "3", body: "hi"},
		"longer than length": {handler: func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "2")
			if n, err := w.Write([]byte("hello")); n != 2 || err != http.ErrContentLength {
				panic("the excess was taken")
			}
		}, head: "Content-Length: 2", body: "he"},
		"shorter than length": {handler: func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "9")
			fmt.Fprint(w, "hi")
		}, head: "Status: 500", notInHead: "Content-Length: 9"},
		"header line of 8000 bytes": {handler: func(w http.ResponseWriter, r *http.Request) { w.Header().Set("X-A", long[:8000-len("X-A: \r\n")]) }, head: "Status: 200"},
		"header line too long":      {handler: func(w http.ResponseWriter, r *http.Request) { w.Header().Set("X-A", long) }, head: "Status: 500", notInHead: "X-A"},
		"line end in header": {handler: func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-A", "a\r\nX-B: b")
			fmt.Fprint(w, "hi")
		}, head: "Status: 500", notInHead: "X-B"},
		"NUL in header": {handler: func(w http.ResponseWriter, r *http.Request) { w.Header().Set("X-A", "a\x00") }, head: "Status: 500"},
		"space in name": {handler: func(w http.ResponseWriter, r *http.Request) { w.Header()["X A"] = []string{"b"} }, head: "Status: 500"},
		"panic":         {handler: func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "hi"); panic("oops") }, head: "Status: 500", notInHead: "oops"},
		"abort":         {handler: func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "hi"); panic(http.ErrAbortHandler) }, head: "Status: 500"},
		"silent abort":  {handler: func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) }, head: "Status: 502"},
	} {
		client := dial(t, serve(t, handle(c.handler)))
		v := map[string]string{}
		if c.method != "" {
			v["REQUEST_METHOD"] = c.method
		}
		client.send(request(1, true, v, ""))
		a := client.read(1)
		if !strings.Contains(a.head(), c.head) || c.notInHead != "" && strings.Contains(a.head(), c.notInHead) || a.end == nil {
			t.Errorf("%s: %+v", name, a)
		}
		if !strings.HasPrefix(a.status(), "Status: 5") && a.body() != c.body {
			t.Errorf("%s: body %q, want %q", name, a.body(), c.body)
		}
		client.send(request(1, true, nil, ""))
		if a := client.read(1); a.end == nil {
			t.Errorf("%s: the connection was not kept", name)
		}
	}
}

// F3, A3, A4: a partial response must not look complete.
func TestF3ResponseThatBreaksOffHasNoEnd(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"abort": func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) },
		"panic": func(w http.ResponseWriter, r *http.Request) { panic("oops") },
		"short": func(w http.ResponseWriter, r *http.Request) {},
	} {
		c := dial(t, serve(t, handle(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "100")
			fmt.Fprint(w, "half")
			w.(http.Flusher).Flush()
			fmt.Fprint(w, " and more")
			handler(w, r)
		})))
		c.send(request(1, true, nil, ""))
		if a := c.read(1); a.end != nil || a.body() != "half and more" || a.empty != 0 {
			t.Errorf("%s: %+v", name, a)
		}
	}
}

func TestBrokenResponseLetsMultiplexedOnesFinish(t *testing.T) {
	release := make(chan struct{})
	c := dial(t, serve(t, handle(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/x" {
			fmt.Fprint(w, "half")
			w.(http.Flusher).Flush()
			defer close(release)
			panic(http.ErrAbortHandler)
		}
		<-release
		fmt.Fprint(w, "whole")
	})))
	c.send(request(2, true, map[string]string{"SCRIPT_NAME": "/y"}, ""), request(1, true, nil, ""))
	got := map[uint16]string{}
	ends := 0
	for {
		h, content, ok := c.next()
		if !ok {
			break
		}
		got[h.ID] += string(content)
		if h.Type == fcgi.TypeEnd && h.ID == 2 {
			ends++
		} else if h.Type == fcgi.TypeEnd {
			t.Errorf("end record for request %d", h.ID)
		}
	}
	if ends != 1 || !strings.Contains(got[2], "whole") || !strings.HasSuffix(got[1], "half") {
		t.Errorf("%d ends, %v", ends, got)
	}
}

func TestEmptyWritesMakeNoRecord(t *testing.T) {
	c := dial(t, serve(t, handle(func(w http.ResponseWriter, r *http.Request) {
		for _, piece := range []string{"", "a", "", "b", ""} {
			io.WriteString(w, piece)
			w.(http.Flusher).Flush()
			w.(http.Flusher).Flush()
		}
	})))
	c.send(request(1, true, nil, ""))
	if a := c.read(1); a.body() != "ab" || a.empty != 0 {
		t.Errorf("%+v", a)
	}
}

func TestLargeResponsesArriveWhole(t *testing.T) {
	var data []byte
	for i := range 300_000 {
		data = append(data, byte(i), byte(i>>8), byte(i>>16))
	}
	handlers := map[string]http.HandlerFunc{
		"one write":    func(w http.ResponseWriter, r *http.Request) { w.Write(data) },
		"small writes": func(w http.ResponseWriter, r *http.Request) { io.Copy(writerOnly{w}, bytes.NewReader(data)) },
		"reader":       func(w http.ResponseWriter, r *http.Request) { io.Copy(w, io.MultiReader(bytes.NewReader(data))) },
		"file": func(w http.ResponseWriter, r *http.Request) {
			http.ServeContent(w, r, "data.bin", time.Time{}, bytes.NewReader(data))
		},
		"after a small one": func(w http.ResponseWriter, r *http.Request) { w.Write(data[:10]); w.Write(data[10:]) },
		"behind a long head": func(w http.ResponseWriter, r *http.Request) {
			for i := range 20 {
				w.Header().Set(fmt.Sprintf("X-%d", i), strings.Repeat("v", 7000))
			}
			w.Write(data)
		},
	}
	for name, handler := range handlers {
		c := dial(t, serve(t, handle(handler)))
		c.send(request(1, true, nil, ""))
		if a := c.read(1); a.body() != string(data) || a.end == nil {
			t.Errorf("%s: %d bytes of %d, end %v", name, len(a.body()), len(data), a.end)
		}
	}
}

func TestKeepConnIsHonoured(t *testing.T) {
	socket := serve(t, handle(echo))
	c := dial(t, socket)
	for range 3 {
		c.send(request(1, true, nil, ""))
		c.read(1)
	}
	c.send(request(1, false, nil, ""))
	if c.read(1); !c.ended() {
		t.Error("the connection goes on without KEEP_CONN")
	}
}

func TestEndingServesWhatIsInFlight(t *testing.T) {
	path := filepath.Join(fronttest.Dir(t), "s")
	ln, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	running, release := make(chan struct{}), make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- New(handle(func(w http.ResponseWriter, r *http.Request) {
			close(running)
			<-release
			fmt.Fprint(w, r.Context().Err())
		})).Serve(ctx, ln)
	}()
	idle, c := dial(t, path), dial(t, path)
	idle.send(fcgi.AppendRecord(nil, fcgi.TypeGetValues, 0, nil))
	idle.next()
	c.send(request(1, true, nil, ""))
	<-running
	newcomer := dial(t, path)
	cancel()
	newcomer.send(begin(1, true), recordsOf(fcgi.TypeParams, 1, []byte{1}), record(fcgi.TypeStdin, 1, ""))
	if a := newcomer.read(1); a.status() != "Status: 400" {
		t.Errorf("the newcomer: %+v", a)
	}
	select {
	case err := <-ended:
		t.Fatalf("Serve has returned %v while a request was in flight", err)
	default:
	}
	close(release)
	if a := c.read(1); a.body() != "<nil>" {
		t.Errorf("the request in flight: %+v", a)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if !c.ended() || !idle.ended() {
		t.Error("a connection goes on")
	}
}

func TestEndingDoesNotWaitForEver(t *testing.T) {
	path := filepath.Join(fronttest.Dir(t), "s")
	ln, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	running := make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	config := handle(func(w http.ResponseWriter, r *http.Request) {
		close(running)
		<-r.Context().Done()
	})
	config.DrainTimeout = 50 * time.Millisecond
	go func() { ended <- New(config).Serve(ctx, ln) }()
	c := dial(t, path)
	c.send(request(1, true, nil, ""))
	<-running
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if !c.ended() {
		t.Error("the connection goes on")
	}
}

// F60, P8: connections between requests are cheap and stay.
func TestF60IdleConnectionsCostLittle(t *testing.T) {
	const n = 500 // two descriptors each, within the usual limit of 1024
	socket := serve(t, handle(echo))
	clients := make([]*client, n)
	used := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapInuse + m.StackInuse
	}
	before := used()
	for i := range clients {
		conn, err := net.Dial("unix", socket)
		if err != nil {
			t.Skipf("cannot open %d connections: %v", n, err)
		}
		defer conn.Close()
		clients[i] = &client{t: t, conn: conn}
		clients[i].send(request(1, true, nil, ""))
		clients[i].in.Reset(conn, make([]byte, 512), 0)
		clients[i].read(1)
		clients[i].in.Reset(nil, nil, 0)
	}
	// both ends; the race detector adds its own
	if each := int64(used()-before) / n; each > 16<<10 {
		t.Errorf("%d bytes for each connection", each)
	}
	clients[0].in.Reset(clients[0].conn, make([]byte, 512), 0)
	clients[0].send(request(1, true, nil, ""))
	if a := clients[0].read(1); a.status() != "Status: 200" {
		t.Errorf("an idle connection's next request: %+v", a)
	}
}
