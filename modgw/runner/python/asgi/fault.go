package asgi

import (
	"fmt"
	"net/http"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/runner/relay"
)

// badHandshake is the failure of a request for a WebSocket that is none.
func badHandshake(mistake string) *relay.Failure {
	return &relay.Failure{Status: http.StatusBadRequest, Fault: &modgw.Fault{
		Code: "MGW-APP-022", Summary: "cannot open a WebSocket: " + mistake,
	}}
}

// refusedWebSocket is the failure of a request for a WebSocket that the app does not want.
func refusedWebSocket(reason string) *relay.Failure {
	if reason == "" {
		reason = "it gave no reason"
	}
	return &relay.Failure{Status: http.StatusForbidden, Fault: &modgw.Fault{
		Code: "MGW-APP-023", Summary: "cannot open a WebSocket: the app refused it: " + reason,
	}}
}

// tooManyWebSockets is the failure of a request for a WebSocket beyond the limit.
func tooManyWebSockets(limit int) *relay.Failure {
	return &relay.Failure{Status: http.StatusServiceUnavailable, Fault: &modgw.Fault{
		Code:    "MGW-APP-026",
		Summary: fmt.Sprintf("cannot open a WebSocket: each worker has as many as it may, %d", limit),
		Hint:    "raise asgi { websockets }, or have more workers",
	}}
}
