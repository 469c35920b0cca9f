package python

import (
	"net/http"
	"testing"

	"github.com/coder/websocket"

	"github.com/modgw/modgw/internal/faulttest"
	"github.com/modgw/modgw/modgw"
)

// openSocket opens a WebSocket, which the test closes at its end.
func (a *app) openSocket(path string) (*websocket.Conn, *http.Response, error) {
	conn, response, err := websocket.Dial(a.Context(), a.server.URL+path, nil)
	if err == nil {
		a.Cleanup(func() { conn.CloseNow() })
	}
	return conn, response, err
}

func TestIdleWebSocketsLeaveThePlacesOfRequestsFree(t *testing.T) {
	t.Parallel()
	a := serve(t, asgiCases(map[string]string{
		"open": `await send({"type": "websocket.accept"}); await receive(); await receive()`,
	}), asASGI, func(d *modgw.Descriptor) { d.ASGI.Concurrency, d.ASGI.WebSockets = 10, 50 })
	var last *websocket.Conn
	for range 50 {
		conn, _, err := a.openSocket("/open")
		if err != nil {
			t.Fatal(err)
		}
		last = conn
	}
	if got := a.get("/"); got.body != "up" {
		t.Errorf("a request beside them: %d %q, %v", got.status, got.body, got.err)
	}
	_, response, err := a.openSocket("/open")
	if err == nil || response == nil || response.StatusCode != http.StatusServiceUnavailable {
		t.Fatalf("one too many: %v, %v", response, err)
	}
	if a.log.Count("code=MGW-APP-026") != 1 || !faulttest.Has(a.log.String(), "MGW-APP-026") {
		t.Error("the log does not say why")
	}
	if err := last.Close(websocket.StatusNormalClosure, ""); err != nil {
		t.Error(err)
	}
	a.eventually("another WebSocket", func() bool {
		_, _, err := a.openSocket("/open")
		return err == nil
	})
}

func TestRequestsLeaveThePlacesOfWebSocketsFree(t *testing.T) {
	t.Parallel()
	a := serve(t, asgiCases(map[string]string{
		"open": `await send({"type": "websocket.accept"}); await receive(); await receive()`,
		"slow": `touch("slow"); await until("go"); await start(); await body(b"slow")`,
	}), asASGI, func(d *modgw.Descriptor) { d.ASGI.Concurrency = 1 })
	slow := make(chan answer, 1)
	go func() { slow <- a.get("/slow") }()
	a.eventually("slow request", func() bool { return exists(a.path("slow")) })
	if _, _, err := a.openSocket("/open"); err != nil {
		t.Error(err)
	}
	a.open("go")
	if got := <-slow; got.body != "slow" {
		t.Errorf("got %d %q, %v", got.status, got.body, got.err)
	}
}
