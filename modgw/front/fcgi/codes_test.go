package fcgi

import (
	"log/slog"
	"net/http"
	"testing"

	"github.com/modgw/modgw/internal/faulttest"
	"github.com/modgw/modgw/internal/watchtest"
)

func TestAHandlerThatPanicsIsLoggedWithItsStack(t *testing.T) {
	var log watchtest.Log
	config := handle(func(http.ResponseWriter, *http.Request) { panic("oops") })
	config.Log = slog.New(slog.NewTextHandler(&log, nil))
	client := dial(t, serve(t, config))
	client.send(request(1, true, nil, ""))
	client.read(1)
	faulttest.Want(t, log.String(), "MGW-REQ-009")
	if !log.Has("codes_test.go") {
		t.Errorf("no stack in %s", log.String())
	}
}
