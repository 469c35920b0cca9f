package asgi

import (
	"net/http"
	"time"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/runner/python/mux"
	"github.com/modgw/modgw/modgw/runner/python/request"
	"github.com/modgw/modgw/modgw/runner/relay"
)

// Server serves the requests of an ASGI app. Make it with [New].
type Server struct {
	*mux.Server
	app    *request.App
	config mux.Config

	// Heartbeat is the interval at which the client of an open WebSocket is pinged, and the time
	// that it has to answer. It is set before the first request.
	Heartbeat time.Duration

	// Pings is the number of pings of one client that are answered in a second. It is set before
	// the first request.
	Pings int
}

// New makes a server without workers.
func New(a *request.App, c mux.Config) *Server {
	c.ResumedScope = appendResumedScope
	return &Server{
		Server: mux.New(a, c), app: a, config: c,
		Heartbeat: defaultHeartbeat, Pings: defaultPings,
	}
}

// ServeHTTP implements [http.Handler]. It passes little of a body before the app asks for it: a
// request that waits for its client holds no thread.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := &call{Call: request.NewCall(w, r, s.app), server: s}
	if wantsWebSocket(r) {
		c.serveWebSocket()
		return
	}
	c.Serve(relay.KeepBeginning, func(b []byte, length int64) []byte {
		return appendScope(b, r, c.Info, length)
	}, func() bool { return s.Try(c.Call, c.Info.InputEnded) })
}

// ServeOnLoop implements [modgw.LoopHandler].
func (s *Server) ServeOnLoop(x modgw.LoopExchange) bool {
	if r, _ := x.Request(); wantsWebSocket(r) {
		return false
	}
	return s.Server.ServeOnLoop(x, appendScope, true)
}

// call is one request of the server.
type call struct {
	*request.Call
	server *Server
	stream *mux.Stream // to the app of a WebSocket; nil: none is open
}
