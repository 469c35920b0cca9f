package fcgi

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/fcgi"
	"github.com/modgw/modgw/modgw/front"
)

func post(length string) map[string]string {
	return map[string]string{"REQUEST_METHOD": "POST", "CONTENT_LENGTH": length}
}

// A16: a balancer's second attempt arrives with CONTENT_LENGTH and without the body.
func TestF59BodyMustHaveItsDeclaredLength(t *testing.T) {
	var called atomic.Int32
	socket := serve(t, handle(func(w http.ResponseWriter, r *http.Request) {
		called.Add(1)
		echo(w, r)
	}))
	for _, c := range []struct{ length, body, want string }{
		{"5", "hello", "200"},
		{"0", "", "200"},
		{"", "", "200"},
		{"", "hello", "200"},
		{"0000000005", "hello", "200"},
		{"6", "hello", "400"},
		{"4", "hello", "400"},
		{"0", "hello", "400"},
		{"3000000", "", "400"},
		{"-5", "hello", "400"},
		{"+5", "hello", "400"},
		{"1e3", "hello", "400"},
		{" 5", "hello", "400"},
		{"5, 5", "hello", "400"},
		{"99999999999999999999", "hello", "400"},
	} {
		called.Store(0)
		conn := dial(t, socket)
		conn.send(request(1, true, post(c.length), c.body))
		a := conn.read(1)
		if a.status() != "Status: "+c.want || (called.Load() == 1) != (c.want == "200") {
			t.Errorf("CONTENT_LENGTH %q, body %q: %q, handler called %d times", c.length, c.body, a.stdout, called.Load())
		}
		conn.send(request(1, false, nil, ""))
		if a := conn.read(1); a.status() != "Status: 200" {
			t.Errorf("CONTENT_LENGTH %q: next request: %q", c.length, a.stdout)
		}
	}
}

func TestLengthWithTransferEncodingIsTheBodysLength(t *testing.T) {
	socket := serve(t, handle(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%d %q %q %d %v", r.ContentLength, r.TransferEncoding, r.Header["Transfer-Encoding"], len(body), err)
	}))
	for length, want := range map[string]string{"5": `5 [] [] 5 <nil>`, "": `-1 ["chunked"] [] 5 <nil>`} {
		c := dial(t, socket)
		v := post(length)
		v["HTTP_TRANSFER_ENCODING"] = "chunked"
		c.send(request(1, false, v, "hello"))
		if a := c.read(1); a.body() != want {
			t.Errorf("length %q: %q, want %q", length, a.body(), want)
		}
	}
}

func TestLongBodyThatEndsEarlyIsAnErrorAndA400(t *testing.T) {
	readErr := make(chan error, 1)
	socket := serve(t, handle(func(w http.ResponseWriter, r *http.Request) {
		_, err := io.Copy(io.Discard, r.Body)
		readErr <- err
	}))
	for name, body := range map[string]int{"shorter": 90000, "longer": 110000} {
		c := dial(t, socket)
		c.send(request(1, false, post("100000"), strings.Repeat("b", body)))
		a := c.read(1)
		err := <-readErr
		switch {
		case name == "shorter" && (err != io.ErrUnexpectedEOF || a.status() != "Status: 400"):
			t.Errorf("shorter: %v, %q", err, a.stdout)
		case name == "longer" && err != errBodyTooLong:
			t.Errorf("longer: %v", err)
		}
	}
}

// A13: Apache's clients go away without an abort record and without the end of STDIN.
func TestF66GoneInMidUploadIsAnErrorAndCancels(t *testing.T) {
	seen := make(chan error, 2)
	socket := serve(t, handle(func(w http.ResponseWriter, r *http.Request) {
		_, err := io.Copy(io.Discard, r.Body)
		seen <- err
		<-r.Context().Done()
		seen <- r.Context().Err()
	}))
	for _, v := range []map[string]string{post("100000"), {"REQUEST_METHOD": "POST", "HTTP_TRANSFER_ENCODING": "chunked"}} {
		c := dial(t, socket)
		c.send(begin(1, true), recordsOf(fcgi.TypeParams, 1, pairs(vars(v))), fcgi.AppendStream(nil, fcgi.TypeStdin, 1, make([]byte, 70000)))
		c.conn.Close()
		if err := <-seen; err != io.ErrUnexpectedEOF {
			t.Errorf("reading the body: %v", err)
		}
		<-seen
	}
}

func TestClientGoingAwayCancelsAWaitingHandler(t *testing.T) {
	cause := make(chan error, 1)
	running := make(chan struct{})
	socket := serve(t, handle(func(w http.ResponseWriter, r *http.Request) {
		close(running)
		<-r.Context().Done()
		cause <- r.Context().Err()
	}))
	c := dial(t, socket)
	c.send(request(1, true, nil, ""))
	<-running
	c.conn.Close()
	if err := <-cause; err == nil {
		t.Error("the context has no error")
	}
}

// A11, 4.2: the response arrives at once, and the remaining body does no harm.
func TestEarlyResponseDoesNotWaitForTheBody(t *testing.T) {
	socket := serve(t, handle(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength > 100 {
			http.Error(w, "too large", http.StatusRequestEntityTooLarge)
			return
		}
		echo(w, r)
	}))
	for _, keep := range []bool{false, true} {
		c := dial(t, socket)
		head := slices.Concat(begin(1, keep), recordsOf(fcgi.TypeParams, 1, pairs(vars(post("3000000")))))
		c.send(head, record(fcgi.TypeStdin, 1, "first"))
		if a := c.read(1); a.status() != "Status: 413" || a.end == nil {
			t.Fatalf("keep %v: %+v", keep, a)
		}
		for range 30 {
			c.send(fcgi.AppendStream(nil, fcgi.TypeStdin, 1, make([]byte, 60000)))
		}
		if keep {
			c.send(request(1, true, nil, "")) // and no end of the old STDIN
			if a := c.read(1); a.status() != "Status: 200" {
				t.Errorf("next request: %+v", a)
			}
			continue
		}
		c.send(record(fcgi.TypeStdin, 1, ""))
		if !c.ended() {
			t.Error("the connection goes on after the body")
		}
	}
}

func TestBodyArrivesWholeHoweverItIsSentAndRead(t *testing.T) {
	sent := make([]byte, 700_000)
	for i := range sent {
		sent[i] = byte(i * i >> 3)
	}
	got := make(chan []byte, 1)
	socket := serve(t, handle(func(w http.ResponseWriter, r *http.Request) {
		size, _ := strconv.Atoi(r.URL.RawQuery)
		var body []byte
		for b := make([]byte, size); ; {
			n, err := r.Body.Read(b)
			if body = append(body, b[:n]...); err != nil {
				break
			}
		}
		got <- body
	}))
	for _, records := range [][]int{{fcgi.MaxContent}, {64000}, {fcgi.MaxContent, 1}, {1, 7, 8000}} {
		for _, size := range []string{"1000", "4096", "64000", "262144", "1000000"} {
			c := dial(t, socket)
			v := post(strconv.Itoa(len(sent)))
			v["QUERY_STRING"] = size
			c.send(begin(1, false), recordsOf(fcgi.TypeParams, 1, pairs(vars(v))))
			for rest, i := sent, 0; len(rest) > 0; i++ {
				n := min(len(rest), records[i%len(records)])
				c.send(fcgi.AppendRecord(nil, fcgi.TypeStdin, 1, rest[:n]))
				rest = rest[n:]
			}
			c.send(record(fcgi.TypeStdin, 1, ""))
			if body := <-got; !bytes.Equal(body, sent) {
				t.Errorf("records of %v read by %s: %d bytes came", records, size, len(body))
			}
			if a := c.read(1); a.status() != "Status: 200" {
				t.Errorf("records of %v read by %s: %q", records, size, a.stdout)
			}
		}
	}
}

// A handler that has answered early need not wait for a client that stops sending its body.
func TestClosingABodyEndsTheReadingOfIt(t *testing.T) {
	ended := make(chan error, 1)
	socket := serve(t, handle(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength == 0 {
			return
		}
		b := make([]byte, 256<<10)
		if _, err := r.Body.Read(b); err != nil {
			t.Error(err)
		}
		reads := make(chan struct{})
		go func() {
			close(reads)
			for {
				if _, err := r.Body.Read(b); err != nil {
					ended <- err
					return
				}
			}
		}()
		<-reads
		r.Body.Close()
		if err := <-ended; err != http.ErrBodyReadAfterClose {
			t.Errorf("reading ended with %v", err)
		}
		io.WriteString(w, "early")
	}))
	c := dial(t, socket)
	for range 20 {
		c.send(begin(1, true), recordsOf(fcgi.TypeParams, 1, pairs(vars(post("3000000")))), record(fcgi.TypeStdin, 1, strings.Repeat("b", 60000)))
		if a := c.read(1); a.body() != "early" || a.end == nil {
			t.Fatalf("%+v", a)
		}
		c.send(record(fcgi.TypeStdin, 1, strings.Repeat("b", 60000)), request(1, true, nil, ""))
		if a := c.read(1); a.status() != "Status: 200" || a.end == nil {
			t.Fatalf("the next request: %+v", a)
		}
	}
}

func TestBodyAndResponseStreamAtTheSameTime(t *testing.T) {
	socket := serve(t, handle(func(w http.ResponseWriter, r *http.Request) {
		b := make([]byte, 1)
		for {
			if _, err := r.Body.Read(b); err != nil {
				return
			}
			w.Write([]byte(strings.ToUpper(string(b))))
			w.(http.Flusher).Flush()
		}
	}))
	c := dial(t, socket)
	v := map[string]string{"REQUEST_METHOD": "POST", "HTTP_TRANSFER_ENCODING": "chunked"}
	c.send(begin(1, false), recordsOf(fcgi.TypeParams, 1, pairs(vars(v))))
	for _, letter := range []string{"a", "b", "c"} {
		c.send(record(fcgi.TypeStdin, 1, letter))
		if _, content, ok := c.next(); !ok || !strings.HasSuffix(string(content), strings.ToUpper(letter)) {
			t.Fatalf("after %q: %q", letter, content)
		}
	}
	c.send(record(fcgi.TypeStdin, 1, ""))
	if a := c.read(1); a.end == nil {
		t.Error("no end")
	}
}

func TestF61PeerClosesBeforeReading(t *testing.T) {
	result := make(chan error, 1)
	socket := serve(t, handle(func(w http.ResponseWriter, r *http.Request) {
		for {
			if _, err := w.Write(make([]byte, 100000)); err != nil {
				result <- errors.Join(err, r.Context().Err())
				return
			}
		}
	}))
	c := dial(t, socket)
	c.send(request(1, true, nil, ""))
	c.conn.Close()
	if err := <-result; err == nil {
		t.Error("writing went on")
	}
}

func TestF61HalfClosedPeerGetsItsResponse(t *testing.T) {
	c := dial(t, serve(t, handle(echo)))
	c.send(request(1, false, nil, ""))
	c.conn.(interface{ CloseWrite() error }).CloseWrite()
	if a := c.read(1); a.status() != "Status: 200" || a.end == nil {
		t.Errorf("%+v", a)
	}
}

func TestF62PeerThatStopsReadingHoldsTheHandlerUp(t *testing.T) {
	var written atomic.Int64
	result := make(chan error, 1)
	socket := serve(t, Config{Config: front.Config{WriteTimeout: 200 * time.Millisecond, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for {
			n, err := w.Write(make([]byte, 64<<10))
			written.Add(int64(n))
			if err != nil {
				result <- err
				return
			}
		}
	})}})
	c := dial(t, socket)
	c.send(request(1, true, nil, ""))
	<-result
	if n := written.Load(); n > 8<<20 {
		t.Errorf("%d bytes were taken from the handler", n)
	}
}

func TestF60RequestThatTricklesIsGivenUp(t *testing.T) {
	var called atomic.Int32
	socket := serve(t, Config{Config: front.Config{ReadTimeout: 100 * time.Millisecond, Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called.Add(1) })}})
	idle := dial(t, socket)
	for _, part := range [][]byte{
		begin(1, true),
		begin(1, true)[:5],
		slices.Concat(begin(1, true), recordsOf(fcgi.TypeParams, 1, pairs(vars(post("5"))))),
	} {
		c := dial(t, socket)
		c.send(part)
		if !c.ended() {
			t.Error("the connection goes on")
		}
	}
	idle.send(request(1, true, nil, ""))
	if a := idle.read(1); a.status() != "Status: 200" || called.Load() != 1 {
		t.Errorf("the idle connection: %+v", a)
	}
}

// The web server names its peer as the client. If the peer is a trusted proxy, its headers name the
// client.
func TestForwardedHeadersCountFromTrustedProxiesAlone(t *testing.T) {
	config := handle(func(w http.ResponseWriter, r *http.Request) {
		info := modgw.RequestInfoOf(r)
		fmt.Fprintf(w, "%s %s %s %q %q|", info.RemoteAddr, info.Scheme, r.Host, info.ServerName, info.ServerPort)
		for _, name := range slices.Sorted(maps.Keys(r.Header)) {
			fmt.Fprint(w, " ", name)
		}
	})
	config.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	c := dial(t, serve(t, config))
	for _, tt := range []struct{ peer, want string }{
		{"192.0.2.1", `192.0.2.1 http example.com "example.com" "80"|`},
		{"", `192.0.2.1 http example.com "example.com" "80"|`},
		{"10.0.0.1", `203.0.113.9 https a.example "" "8443"| X-Forwarded-For X-Forwarded-Host X-Forwarded-Port X-Forwarded-Proto`},
	} {
		v := map[string]string{
			"HTTP_X_FORWARDED_FOR": "6.6.6.6, 203.0.113.9, 10.1.1.1", "HTTP_X_FORWARDED_PROTO": "https",
			"HTTP_X_FORWARDED_HOST": "a.example", "HTTP_X_FORWARDED_PORT": "8443", "HTTP_FORWARDED": "for=6.6.6.6",
			"HTTP_X_REAL_IP": "6.6.6.6", "HTTP_X_FORWARDED_PREFIX": "/x", "HTTP_X_FORWARDED_SSL": "on",
		}
		if tt.peer != "" {
			v["REMOTE_ADDR"] = tt.peer
		}
		c.send(request(1, true, v, ""))
		if got := c.read(1).body(); got != tt.want {
			t.Errorf("from %q:\ngot  %s\nwant %s", tt.peer, got, tt.want)
		}
	}
	c.send(request(1, true, map[string]string{"REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_FOR": "203.0.113.9"}, ""))
	if got, want := c.read(1).body(), `203.0.113.9 http example.com "example.com" "80"| X-Forwarded-For`; got != want {
		t.Errorf("a client's address alone: %s, want %s", got, want)
	}
}
