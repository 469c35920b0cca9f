package onloop

import (
	"io"
	"net"
	"net/http"
	"time"

	"github.com/modgw/modgw/modgw"
)

// Progress is the extent to which a request was read.
type Progress uint8

const (
	Partial Progress = iota // the beginning of a request that may be ordinary, or nothing
	Whole                   // an ordinary request
	Unusual                 // anything else: a goroutine reads on
)

// Protocol is one connection as its front knows it. Methods are called on the loop, and never while
// a goroutine has the connection.
type Protocol interface {
	// Read reads available input into the connection's memory, as far as there is room. The error
	// is unix.EAGAIN if nothing is available, io.ErrShortBuffer if there is no room, and io.EOF at
	// the end.
	Read(fd int) (n int, err error)

	// HasInput reports whether a part of a request was read that was not answered.
	HasInput() bool

	// WasUsed reports whether the peer has begun a request since the connection was accepted.
	WasUsed() bool

	// Parse returns the progress of the request.
	Parse() Progress

	// Request is the request that Parse has found whole, received at this time. If ok is false
	// something is wrong with it, and a goroutine is to refuse it.
	Request(received time.Time) (r *http.Request, info *modgw.RequestInfo, ok bool)

	// Body is the body of that request.
	Body() []byte

	// AppendResponse appends a whole response, which is sent now. It reports false for one that a
	// goroutine must send.
	AppendResponse(b []byte, status int, header http.Header, body []byte, now time.Time) (out []byte, ok bool)

	// EndRequest removes the request from the input, after AppendResponse. It reports whether
	// another one may follow.
	EndRequest() (keepsOpen bool)

	// Release frees the memory of a connection that is idle or has ended.
	Release()

	// LeaveLoop returns the driver that continues with the connection, which is rwc from now on,
	// and with the input that was read.
	LeaveLoop(rwc net.Conn, w Work) Driver
}

// Work is the work that a goroutine takes over.
type Work struct {
	// Rest is the rest of a response, to be sent first. Body is the part after it, unless it is
	// nil, and must be closed. After them the connection ends if IsOver is set.
	Rest   []byte
	Body   io.ReadCloser
	IsOver bool

	// Serve is the handler of the request that was begun, and Info its info; nil: none was begun.
	Serve func(http.ResponseWriter, *http.Request)
	Info  *modgw.RequestInfo

	Requests int  // number of requests to serve before the connection goes back
	Last     bool // the connection ends when no request is in flight
}

// Driver serves a connection on a goroutine. The other methods may be called meanwhile.
type Driver interface {
	// Drive serves requests until the connection has ended, or is idle and may go back to the loop
	// as the descriptor fd.
	Drive() (fd int, goesBack bool)

	// Drain ends the connection as soon as no request is in flight.
	Drain()

	// Return has the connection go back to the loop as soon as no request is in flight.
	Return()

	// Cut ends the connection at once.
	Cut(error)
}
