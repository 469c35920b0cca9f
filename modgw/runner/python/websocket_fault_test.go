package python

import (
	"bufio"
	"bytes"
	"compress/flate"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/modgw/modgw/internal/faulttest"
	"github.com/modgw/modgw/internal/watchtest"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/runner/python/asgi"
)

// talker is an app that echoes messages, and records how each WebSocket ended.
var talker = asgiCases(map[string]string{"talk": `
await receive()
await send({"type": "websocket.accept"})
while True:
    message = await receive()
    if message["type"] == "websocket.disconnect":
        return touch("code" + scope["query_string"].decode(), str(message["code"]))
    await say(message.get("text", message.get("bytes")))
`})

// The operations of frames (RFC 6455, 11.8).
const (
	opContinuation = 0
	opText         = 1
	opBinary       = 2
	opClose        = 8
	opPing         = 9
	opPong         = 10
)

// rawSocket is a WebSocket whose frames the test builds itself.
type rawSocket struct {
	net.Conn
	in *bufio.Reader
}

// shake opens a WebSocket by hand. Each header is a line.
func (a *app) shake(path string, headers ...string) (*rawSocket, *http.Response) {
	a.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(a.server.URL, "http://"))
	if err != nil {
		a.Fatal(err)
	}
	a.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(watchtest.Patience))
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"+
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s\r\n", path, strings.Join(append(headers, ""), "\r\n"))
	s := &rawSocket{conn, bufio.NewReader(conn)}
	response, err := http.ReadResponse(s.in, nil)
	if err != nil {
		a.Fatal(err)
	}
	return s, response
}

// talk opens a WebSocket to the talker.
func (a *app) talk(query string, headers ...string) *rawSocket {
	a.Helper()
	s, response := a.shake("/talk?"+query, headers...)
	if response.StatusCode != http.StatusSwitchingProtocols {
		a.Fatalf("got %d", response.StatusCode)
	}
	return s
}

// frame returns a client's frame with a mask that changes nothing. first includes the flags.
func frame(first byte, payload []byte) []byte {
	b := []byte{first}
	switch n := len(payload); {
	case n < 126:
		b = append(b, 0x80|byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 0x80|127), uint64(n))
	}
	return append(append(b, 0, 0, 0, 0), payload...)
}

const fin = 0x80

// next reads a frame.
func (s *rawSocket) next() (op byte, payload []byte, err error) {
	head := make([]byte, 2)
	if _, err := io.ReadFull(s.in, head); err != nil {
		return 0, nil, err
	}
	size := uint64(head[1])
	if size >= 126 {
		long := make([]byte, 8)
		if _, err := io.ReadFull(s.in, long[8-2-6*(size-126):]); err != nil {
			return 0, nil, err
		}
		size = binary.BigEndian.Uint64(long)
	}
	payload = make([]byte, size)
	_, err = io.ReadFull(s.in, payload)
	return head[0] & 0xf, payload, err
}

// closed returns the code with which the server closes; 0: there is no code.
func (s *rawSocket) closed() int {
	for {
		switch op, payload, err := s.next(); {
		case err != nil:
			return 0
		case op == opClose && len(payload) >= 2:
			return int(binary.BigEndian.Uint16(payload))
		}
	}
}

func TestF68FramesThatBreakTheRules(t *testing.T) {
	t.Parallel()
	a := serve(t, talker, asASGI, func(d *modgw.Descriptor) { d.Limits.Body = 100_000 })
	for name, c := range map[string]struct {
		sent []byte
		code int
	}{
		"unmasked": {[]byte{fin | opText, 1, 'x'}, 1002},
		// no compression was agreed on
		"reserved bit 1":           {frame(fin|0x40|opText, []byte("x")), 1002},
		"reserved bit 2":           {frame(fin|0x20|opText, []byte("x")), 1002},
		"reserved bit 3":           {frame(fin|0x10|opText, []byte("x")), 1002},
		"unknown operation":        {frame(fin|3, nil), 1002},
		"unknown control":          {frame(fin|11, nil), 1002},
		"ping in pieces":           {frame(opPing, nil), 1002},
		"long ping":                {frame(fin|opPing, make([]byte, 126)), 1002},
		"continuation of nothing":  {frame(fin|opContinuation, nil), 1002},
		"message within a message": {append(frame(opText, []byte("x")), frame(fin|opText, []byte("y"))...), 1002},
		"length without end":       {[]byte{fin | opText, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0}, 1002},
		"message too long":         {frame(fin|opBinary, make([]byte, 100_001)), 1009},
		"too long in pieces": {bytes.Join([][]byte{
			frame(opBinary, make([]byte, 60_000)), frame(opContinuation, make([]byte, 60_000)),
		}, nil), 1009},
		"no UTF-8":               {frame(fin|opText, []byte("\xff\xfe")), 1007},
		"surrogate":              {frame(fin|opText, []byte("\xed\xa0\x80")), 1007},
		"half a character":       {append(frame(opText, []byte("\xe2\x82")), frame(fin|opContinuation, nil)...), 1007},
		"close of one byte":      {frame(fin|opClose, []byte{3}), 1002},
		"close with code 999":    {frame(fin|opClose, []byte{3, 0xe7}), 1002},
		"close with code 1005":   {frame(fin|opClose, []byte{3, 0xed}), 1002},
		"close with code 1006":   {frame(fin|opClose, []byte{3, 0xee}), 1002},
		"close with code 5000":   {frame(fin|opClose, []byte{0x13, 0x88}), 1002},
		"close":                  {frame(fin|opClose, []byte{3, 0xe8, 'b', 'y', 'e'}), 1000},
		"close of another trade": {frame(fin|opClose, []byte{0x0f, 0xa0}), 4000},
		// the app gets U+FFFD
		"close without UTF-8": {frame(fin|opClose, []byte{3, 0xe8, 0xff}), 1000},
		"HTTP":                {[]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), 1002},
	} {
		t.Run(name, func(t *testing.T) {
			query := strings.ReplaceAll(name, " ", "-")
			s := a.talk(query)
			_, _ = s.Write(c.sent)
			if got := s.closed(); got != c.code {
				t.Errorf("closed with %d", got)
			}
			s.Close()
			eventually(t, "the app is told", func() bool { return a.read("code"+query) != "" })
		})
	}
	a.stillServes()
}

// stillServes checks that the only worker has not been replaced, that all slots are free, and that
// the next client is served.
func (a *app) stillServes() {
	a.Helper()
	a.eventually("free slots", func() bool { return a.runner.Status().Busy == 0 })
	if got := a.get("/"); got.body != "up" {
		a.Errorf("afterwards: %d %q, %v", got.status, got.body, got.err)
	}
	if status := a.runner.Status(); status.Restarts != 0 {
		a.Errorf("the worker was replaced: %+v", status)
	}
}

func TestHandshakesThatAreNone(t *testing.T) {
	t.Parallel()
	a := serve(t, talker, asASGI)
	const key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
	for name, lines := range map[string]string{
		"no key":        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n",
		"short key":     "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: c2hvcnQ=\r\n",
		"two keys":      "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n" + key + key,
		"version 8":     "Connection: Upgrade\r\nSec-WebSocket-Version: 8\r\n" + key,
		"no version":    "Connection: Upgrade\r\n" + key,
		"no connection": "Sec-WebSocket-Version: 13\r\n" + key,
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", strings.TrimPrefix(a.server.URL, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			_ = conn.SetDeadline(time.Now().Add(watchtest.Patience))
			fmt.Fprintf(conn, "GET /talk HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n%s\r\n", lines)
			response, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			if response.StatusCode != 400 || response.Header.Get("Sec-Websocket-Version") != "13" {
				t.Errorf("got %d, %v", response.StatusCode, response.Header)
			}
		})
	}
	faulttest.Want(t, a.log.String(), "MGW-APP-022")
	a.stillServes()
}

func TestF68MessageOfManyPiecesIsOneMessage(t *testing.T) {
	t.Parallel()
	a := serve(t, talker, asASGI)
	s := a.talk("")
	const pieces = 10_000
	var sent bytes.Buffer
	sent.Write(frame(opText, []byte("x")))
	for i := range pieces {
		sent.Write(frame(opContinuation, []byte("x")))
		if i%1_000 == 0 {
			sent.Write(frame(fin|opPing, []byte("here?"))) // it may occur between fragments
		}
	}
	sent.Write(frame(fin|opContinuation, nil))
	if _, err := s.Write(sent.Bytes()); err != nil {
		t.Fatal(err)
	}
	for pongs := 0; ; {
		op, payload, err := s.next()
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case op == opPing: // the host sends one when the machine is busy
		case op == opPong && string(payload) == "here?":
			pongs++
		default:
			if op != opText || len(payload) != pieces+1 || pongs != 10 {
				t.Errorf("got %d bytes of operation %d after %d pongs", len(payload), op, pongs)
			}
			return
		}
	}
}

// A message that is small when compressed must not exceed the limit when decompressed.
func TestF68CompressedMessageIsLimitedByItsRealLength(t *testing.T) {
	t.Parallel()
	a := serve(t, talker, asASGI, func(d *modgw.Descriptor) { d.Limits.Body = 100_000 })
	var bomb bytes.Buffer
	w, err := flate.NewWriter(&bomb, flate.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = w.Write(make([]byte, 1<<20))
	_ = w.Flush()
	s := a.talk("", "Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover; server_no_context_takeover")
	_, _ = s.Write(frame(fin|0x40|opBinary, bytes.TrimSuffix(bomb.Bytes(), []byte{0, 0, 0xff, 0xff})))
	if code := s.closed(); code != 1009 {
		t.Errorf("closed with %d", code)
	}
	s.Close()
	a.stillServes()
}

func TestF68FloodOfPingsIsCutOff(t *testing.T) {
	t.Parallel()
	a := prepare(t, talker, asASGI)
	// on a machine that does much else, few are read in a second
	a.runner.server.(*asgi.Server).Pings = 20
	if err := a.runner.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	a.listen()
	flooder, other := a.talk("flooder"), a.talk("other")
	go func() {
		flood := bytes.Repeat(frame(fin|opPing, []byte("ping")), 100)
		for {
			if _, err := flooder.Write(flood); err != nil {
				return
			}
		}
	}()
	if code := flooder.closed(); code != 1008 {
		t.Errorf("closed with %d", code)
	}
	flooder.Close()
	a.eventually("the app is told", func() bool { return a.read("codeflooder") == "1008" })
	_, _ = other.Write(frame(fin|opText, []byte("still here")))
	if _, got, err := other.next(); string(got) != "still here" || err != nil {
		t.Errorf("another client got %q, %v", got, err)
	}
	other.Close()
	a.stillServes()
}

func TestF68ClientThatIsGoneWithoutAWordIsNoticed(t *testing.T) {
	t.Parallel()
	a := prepare(t, talker, asASGI)
	a.runner.server.(*asgi.Server).Heartbeat = 3 * time.Second // a client that answers may be late
	if err := a.runner.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	a.listen()
	gone, here := a.talk("gone"), a.talk("here")
	var answering sync.WaitGroup
	defer answering.Wait()
	answering.Go(func() {
		if code := gone.closed(); code != 1011 { // it reads, but answers nothing
			t.Errorf("closed with %d", code)
		}
		gone.Close()
	})
	for range 2 {
		op, payload, err := here.next()
		if op != opPing || err != nil {
			t.Fatalf("got %d, %v", op, err)
		}
		_, _ = here.Write(frame(fin|opPong, payload))
	}
	a.eventually("the app is told", func() bool { return a.read("codegone") == "1011" })
	_, _ = here.Write(frame(fin|opClose, []byte{3, 0xe8}))
	if code := here.closed(); code != 1000 {
		t.Errorf("closed with %d", code)
	}
}

func TestF68CloseThatIsNotAnsweredIsTheEnd(t *testing.T) {
	t.Parallel()
	a := serve(t, asgiCases(map[string]string{"talk": `
await receive()
await send({"type": "websocket.accept"})
await send({"type": "websocket.close", "code": 4001})
`}), asASGI)
	s := a.talk("")
	if code := s.closed(); code != 4001 {
		t.Errorf("closed with %d", code)
	}
	if _, _, err := s.next(); !errors.Is(err, io.EOF) { // and sends no further frames
		t.Errorf("afterwards: %v", err)
	}
	a.stillServes()
}

func TestF69KilledWorkerClosesItsWebSocketsWith1011(t *testing.T) {
	t.Parallel()
	a := serve(t, talker, asASGI)
	s := a.talk("")
	if err := syscall.Kill(a.pid(1), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if code := s.closed(); code != 1011 {
		t.Errorf("closed with %d", code)
	}
}

func TestF69ReplacedGenerationClosesItsWebSocketsWith1012(t *testing.T) {
	t.Parallel()
	a := prepare(t, talker, asASGI)
	d := a.runner.app.Descriptor
	d.Timeouts.WebSocketDrain = 10 * time.Millisecond
	gateway := modgw.New(modgw.Config{
		Log: a.runner.app.Log,
		Build: func(context.Context, modgw.Descriptor) (*modgw.Environment, error) {
			return a.runner.app.Environment, nil
		},
		Runners: map[modgw.Kind]modgw.NewRunner{modgw.KindASGI: func(c modgw.RunnerConfig) (modgw.Runner, error) {
			return New(c, a.runner.files)
		}},
	})
	if err := gateway.Deploy(t.Context(), d, "test"); err != nil {
		t.Fatal(err)
	}
	a.server = httptest.NewServer(gateway)
	defer a.server.Close()
	defer gateway.Close(context.Background())
	s := a.talk("")
	if err := gateway.Deploy(t.Context(), d, "test"); err != nil {
		t.Fatal(err)
	}
	if code := s.closed(); code != 1012 {
		t.Errorf("closed with %d", code)
	}
	_, _ = s.Write(frame(fin|opClose, []byte{3, 0xf4}))
	a.eventually("the app is told", func() bool { return a.read("code") == "1012" })
	a.eventually("the end of the drain", func() bool {
		status, err := gateway.AppStatus(d.Name)
		return err == nil && len(status.Draining) == 0
	})
}

func TestF72EveryOctetInTheHeadersOfAWebSocket(t *testing.T) {
	t.Parallel()
	a := serve(t, asgiCases(map[string]string{"all": `
await receive()
protocols = scope["subprotocols"]
await send({"type": "websocket.accept", "subprotocol": protocols[0] if protocols else None})
await send({"type": "websocket.close", "code": 4000 + len(scope["headers"])})
`}), asASGI)
	for _, names := range [][]string{{"Sec-WebSocket-Protocol"}, {"Sec-WebSocket-Extensions"}, {"Origin", "Cookie", "X-Other"}} {
		for octet := range 256 {
			var headers []string
			for _, name := range names {
				headers = append(headers, name+": a"+string([]byte{byte(octet)})+"b")
			}
			s, response := a.shake("/all", headers...)
			switch response.StatusCode {
			case 101:
				if code := s.closed(); code < 4000 {
					t.Errorf("%s with %#x: closed with %d", names, octet, code)
				}
			case 400:
			default:
				t.Errorf("%s with %#x: %d", names, octet, response.StatusCode)
			}
			s.Close()
		}
	}
	a.stillServes()
}

// A mistake of an app in one request fails that request, and neither the worker nor other requests.
func TestF17MistakesOfAnASGIAppCostOneRequest(t *testing.T) {
	t.Parallel()
	const accept = `await send({"type": "websocket.accept"}); `
	const start = `await send({"type": "http.response.start", "status": `
	mistakes := map[string]struct {
		code string // source of the app
		want int    // a status, or the code of the end of an accepted WebSocket
	}{
		"protocol beyond ASCII":  {`await send({"type": "websocket.accept", "subprotocol": "\u20ac"})`, 500},
		"protocol of surrogates": {`await send({"type": "websocket.accept", "subprotocol": "\ud800"})`, 500},
		"header of two":          {`await send({"type": "websocket.accept", "headers": [(b"x-a", b"b\r\nx-c: d")]})`, 500},
		"name with a space":      {`await send({"type": "websocket.accept", "headers": [(b"x a", b"b")]})`, 500},
		"header of text":         {`await send({"type": "websocket.accept", "headers": [("x-a", "b")]})`, 500},
		"many headers":           {`await send({"type": "websocket.accept", "headers": [(b"x", b"y")] * 1000})`, 500},
		"large header":           {`await send({"type": "websocket.accept", "headers": [(b"x", b"y" * 1000000)]})`, 500},
		"headers of the host": {`await send({"type": "websocket.accept", "headers": [(b"sec-websocket-extensions", b"x"),
    (b"connection", b"close"), (b"sec-websocket-accept", b"x")]})`, 1000},
		"message before accept":  {`await say("x")`, 500},
		"message of HTTP":        {`await send({"type": "http.response.start", "status": 200})`, 500},
		"huge code":              {accept + `await send({"type": "websocket.close", "code": 2 ** 70})`, 1011},
		"negative code":          {accept + `await send({"type": "websocket.close", "code": -1})`, 1011},
		"reason of surrogates":   {accept + `await send({"type": "websocket.close", "code": 4000, "reason": "\ud800" * 1000})`, 4000},
		"text of surrogates":     {accept + `await say("\ud800"); await say("\ud800" * 100000)`, 1000},
		"message of nothing":     {accept + `await send({"type": "websocket.send"})`, 1011},
		"message of no bytes":    {accept + `await send({"type": "websocket.send", "bytes": object()})`, 1011},
		"huge message":           {accept + `await say(b"x" * ((16 << 20) + 1))`, 1011},
		"huge text":              {accept + `await say("\u20ac" * (6 << 20))`, 1011},
		"exception":              {accept + `raise ValueError`, 1011},
		"http/huge status":       {start + `2 ** 70})`, 500},
		"http/negative status":   {start + `-1})`, 500},
		"http/status 99":         {start + `99}); await body(b"x")`, 500},
		"http/text for status":   {start + `"many"})`, 500},
		"http/header of two":     {start + `200, "headers": [(b"x-a", b"b\r\nx-c: d")]}); await body(b"x")`, 500},
		"http/NUL":               {start + `200, "headers": [(b"x-a", b"\0")]}); await body(b"x")`, 500},
		"http/name with colon":   {start + `200, "headers": [(b"x:a", b"b")]}); await body(b"x")`, 500},
		"http/empty name":        {start + `200, "headers": [(b"", b"b")]}); await body(b"x")`, 500},
		"http/header of numbers": {start + `200, "headers": [(1, 2)]})`, 500},
		"http/header of three":   {start + `200, "headers": [(b"a", b"b", b"c")]})`, 500},
		"http/many headers":      {start + `200, "headers": [(b"x", b"y")] * 1000}); await body(b"x")`, 500},
		"http/endless header":    {start + `200, "headers": [(b"x", b"y" * (20 << 20))]}); await body(b"x")`, 500},
		"http/two lengths": {start + `200, "headers": [(b"content-length", b"1"), (b"content-length", b"2")]})
await body(b"x")`, 500},
		"http/body of text":         {start + `200}); await send({"type": "http.response.body", "body": "x"})`, 500},
		"http/body before start":    {`await body(b"x")`, 500},
		"http/start twice":          {start + `200}); ` + start + `200})`, 500},
		"http/unknown message":      {`await send({"type": "http.nonsense"})`, 500},
		"http/no type":              {`await send({})`, 500},
		"http/message of WebSocket": {`await send({"type": "websocket.accept"})`, 500},
	}
	paths := map[string]string{}
	for name, mistake := range mistakes {
		paths[strings.ReplaceAll(name, " ", "-")] = mistake.code
	}
	a := serve(t, asgiCases(paths), asASGI)
	for name, mistake := range mistakes {
		t.Run(name, func(t *testing.T) {
			path := "/" + strings.ReplaceAll(name, " ", "-")
			if strings.HasPrefix(name, "http/") {
				if got := a.get(path); got.status != mistake.want || got.header.Get("X-C") != "" {
					t.Errorf("got %d, %v", got.status, got.err)
				}
				return
			}
			s, response := a.shake(path)
			defer s.Close()
			got := response.StatusCode
			if got == http.StatusSwitchingProtocols {
				got = s.closed()
			}
			if got != mistake.want || response.Header.Get("X-C") != "" || len(response.Header["Sec-Websocket-Extensions"]) > 0 {
				t.Errorf("got %d, %v", got, response.Header)
			}
		})
	}
	a.stillServes()
}
