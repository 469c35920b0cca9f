package wsgi

import (
	"net/http"
	"os"

	"github.com/modgw/modgw/internal/eventloop"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/runner/python/control"
	"github.com/modgw/modgw/modgw/runner/python/mux"
	"github.com/modgw/modgw/modgw/runner/python/request"
	"github.com/modgw/modgw/modgw/runner/relay"
)

// Server serves the requests of a WSGI app. Make it with [New].
type Server struct {
	app       *request.App
	threads   int // threads of each worker
	scheduler *scheduler
}

// New makes a server without workers, each of which will have so many threads.
func New(a *request.App, threads int) *Server {
	return &Server{app: a, threads: threads, scheduler: &scheduler{
		queue:    a.Descriptor.Queue,
		parallel: a.Environment != nil && a.Environment.FreeThreaded,
		crowded:  a.Crowded,
	}}
}

// ServeHTTP implements [http.Handler].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.serve(w, r, ticket{}) }

// serve serves a request that may have waited for a thread before.
func (s *Server) serve(w http.ResponseWriter, r *http.Request, t ticket) {
	c := &call{Call: request.NewCall(w, r, s.app), server: s, ticket: t}
	c.Serve(relay.KeepMost, func(b []byte, length int64) []byte {
		return appendEnviron(b, r, c.Info, length)
	}, c.try)
}

// Connect makes the connections to the threads of a worker, which may have requests after
// [Worker.Add]. files are the worker's ends, also after an error.
func (s *Server) Connect(w *control.Worker) (_ control.Connections, files []*os.File, err error) {
	made := &Worker{Worker: w, scheduler: s.scheduler, loop: s.app.ConnLoop}
	for number := range s.threads {
		c, theirs, err := newConn(made, number)
		if err != nil {
			return made, files, err
		}
		files = append(files, theirs)
		made.Conns = append(made.Conns, c)
	}
	return made, append(files, made.shareMemory(s.app)...), nil
}

// Loop returns the event loop on which requests are served; nil: goroutines serve all of them.
func (s *Server) Loop() *eventloop.Loop {
	if s.app.Attached {
		return nil
	}
	return s.app.Loop
}

// Expect adds n to the number of workers that are ready or will be soon. While it is 0, no request
// waits.
func (s *Server) Expect(n int) { s.scheduler.expect(n) }

// Close refuses all requests from now on.
func (s *Server) Close() { s.scheduler.close() }

// Counts returns how many requests are executed and how many wait.
func (s *Server) Counts() (busy, queued int) { return s.scheduler.counts() }

// GeventServer serves the requests of a WSGI app whose workers execute each in a greenlet.
type GeventServer struct {
	*mux.Server
	app *request.App
}

// ServeOnLoop implements [modgw.LoopHandler].
func (s *GeventServer) ServeOnLoop(x modgw.LoopExchange) bool {
	return s.Server.ServeOnLoop(x, appendEnviron, false)
}

// NewGevent makes a server without workers, each of which will execute so many requests at once.
func NewGevent(a *request.App, greenlets int) *GeventServer {
	return &GeventServer{Server: mux.New(a, mux.Config{Requests: greenlets}), app: a}
}

// ServeHTTP implements [http.Handler].
func (s *GeventServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := request.NewCall(w, r, s.app)
	c.Serve(relay.KeepMost, func(b []byte, length int64) []byte {
		return appendEnviron(b, r, c.Info, length)
	}, func() bool { return s.Try(c, nil) })
}
