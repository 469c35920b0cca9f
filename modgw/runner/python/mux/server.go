package mux

import (
	"os"

	"github.com/modgw/modgw/internal/eventloop"
	"github.com/modgw/modgw/modgw/runner/python/control"
	"github.com/modgw/modgw/modgw/runner/python/request"
	"github.com/modgw/modgw/modgw/runner/python/response"
	"github.com/modgw/modgw/modgw/runner/queue"
)

// Config has the number of simultaneous requests of a worker.
type Config struct {
	Requests   int // in each worker
	WebSockets int // in each worker, not counting requests

	// Share shares memory with each worker, through which large responses pass.
	Share bool

	// Resume lets WebSockets and event streams move here from other workers, and from here. It
	// needs ResumedScope.
	Resume       bool
	ResumedScope ResumedScope
}

// Server gives requests to the workers of one app. Use [New] to create one.
type Server struct {
	app    *request.App
	config Config

	// WebSockets have their own slots: they are open for long and must not occupy those of
	// requests.
	requests, sockets *queue.Queue

	moves chan struct{} // has an element for each that leaves a worker for another one

	// The loop uses these for the request that it begins, and for the response that it sends.
	head   []byte
	answer response.Head
}

// New makes a server without workers.
func New(a *request.App, c Config) *Server {
	limits := a.Descriptor.Queue
	return &Server{
		app: a, config: c, requests: queue.New(limits).OnCrowd(a.Crowded), sockets: queue.NewBrief(limits),
		moves: make(chan struct{}, movesAtOnce),
	}
}

// Connect makes the connection to a worker, which may have requests after [Conn.Add]. files are the
// worker's ends.
func (s *Server) Connect(w *control.Worker) (c control.Connections, files []*os.File, err error) {
	conn, theirs, err := newConn(s, w)
	if err != nil {
		return nil, nil, err
	}
	files = append(files, theirs)
	if s.config.Share {
		if buffer := conn.shareBuffer(); buffer != nil {
			files = append(files, buffer)
		}
	}
	return conn, files, nil
}

// Loop returns the event loop on which requests are served; nil: goroutines serve all of them.
func (s *Server) Loop() *eventloop.Loop {
	if s.app.Attached {
		return nil
	}
	return s.app.Loop
}

// Resumes returns the server if WebSockets and event streams can move to it; else nil.
func (s *Server) Resumes() *Server {
	if !s.config.Resume {
		return nil
	}
	return s
}

// Expect adds n to the number of workers that are ready or will be soon. While it is 0, no request
// waits.
func (s *Server) Expect(n int) {
	s.requests.Expect(n)
	s.sockets.Expect(n)
}

// Close refuses all requests from now on.
func (s *Server) Close() {
	s.requests.Close()
	s.sockets.Close()
}

// Counts returns how many requests and WebSockets are executed and how many wait.
func (s *Server) Counts() (busy, queued int) {
	busy, _, queued = s.requests.Counts()
	open, _, waiting := s.sockets.Counts()
	return busy + open, queued + waiting
}
