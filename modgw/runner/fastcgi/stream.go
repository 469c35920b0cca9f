package fastcgi

import (
	"errors"
	"io"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/modgw/modgw/internal/proc"
	"github.com/modgw/modgw/modgw/fcgi"
	"github.com/modgw/modgw/modgw/runner/relay"
	"github.com/modgw/modgw/modgw/runner/workers"
)

// abortTime is how long a program may take to end a request after it was told to abort it.
const abortTime = time.Second

// Why a program did not carry out a request.
var (
	errOverloaded = errors.New("it says that it is overloaded")
	errCannotMpx  = errors.New("it cannot take several requests on one connection")
	errRole       = errors.New("it does not know the responder role")
)

// stream is one request on a connection and its response.
type stream struct {
	conn *conn
	id   uint16
	pipe *relay.Pipe
	log  *slog.Logger

	sandbox *workers.Sandbox // sandbox of the program; nil: none

	name  string        // the name of the request in the log
	limit time.Duration // bounds each write to the program, and all that it does; 0: no limit

	// For the connection's reader alone, until ended closes.
	printer *proc.Printer // logs the lines on STDERR; nil: nothing came
	said    bool          // something came on STDERR or STDOUT
	ended   chan struct{}
	end     fcgi.End

	aborted atomic.Bool
	sign    chan struct{} // receives a token when the program has reacted to an abort
}

func newStream(log *slog.Logger, sandbox *workers.Sandbox, name string, limit time.Duration) *stream {
	return &stream{
		pipe: relay.NewPipe(limit), log: log, sandbox: sandbox, name: name, limit: limit, ended: make(chan struct{}), sign: make(chan struct{}, 1),
	}
}

func (s *stream) stdout(piece []byte) {
	s.said = true
	if s.aborted.Load() {
		select {
		case s.sign <- struct{}{}:
		default:
		}
	}
	_, _ = s.pipe.Write(piece) // it never fails
}

func (s *stream) stderr(piece []byte) {
	s.said = true
	if s.printer == nil {
		log := s.log.With("request", s.name)
		p := proc.NewPrinter("stderr", proc.Output{Line: func(line proc.Line) { s.sandbox.LogLine(log, line) }})
		s.printer = &p
	}
	_, _ = s.printer.Write(piece) // it never fails
}

// finish is called when the program ends the request.
func (s *stream) finish(end fcgi.End) {
	s.end = end
	s.close(map[fcgi.ProtocolStatus]error{
		fcgi.RequestComplete: io.EOF,
		fcgi.Overloaded:      errOverloaded,
		fcgi.CannotMultiplex: errCannotMpx,
		fcgi.UnknownRole:     errRole,
	}[end.Protocol])
}

// fail is called when the connection breaks.
func (s *stream) fail(err error) {
	if err == io.EOF {
		err = io.ErrUnexpectedEOF // the response is not complete without an end record
	}
	s.close(err)
}

func (s *stream) close(err error) {
	if err == nil {
		err = brokeRule("an end record with protocol status %d", s.end.Protocol)
	}
	if s.printer != nil {
		_ = s.printer.Close() // it never fails
	}
	close(s.ended) // first, so that a reader of the end finds that the program has said it
	s.pipe.End(err)
}

// open sends the head of a request: its role and its variables, and the end of its body when it has
// none.
func (s *stream) open(params []byte, bodiless bool) error {
	return s.conn.write(s.limit, func(b []byte) []byte {
		b = fcgi.AppendBegin(b, s.id, fcgi.Begin{Role: fcgi.RoleResponder, KeepConn: true})
		b = fcgi.AppendStream(b, fcgi.TypeParams, s.id, params)
		b = fcgi.AppendRecord(b, fcgi.TypeParams, s.id, nil)
		if bodiless {
			b = fcgi.AppendRecord(b, fcgi.TypeStdin, s.id, nil)
		}
		return b
	})
}

// Send implements [relay.Sink].
func (s *stream) Send(piece []byte) error {
	select {
	case <-s.ended:
		return io.ErrClosedPipe // the program did not want to read it
	default:
	}
	return s.conn.write(s.limit, func(b []byte) []byte { return fcgi.AppendStream(b, fcgi.TypeStdin, s.id, piece) })
}

// End implements [relay.Sink].
func (s *stream) End() error {
	return s.conn.write(s.limit, func(b []byte) []byte { return fcgi.AppendRecord(b, fcgi.TypeStdin, s.id, nil) })
}

// Fail implements [relay.Sink].
func (s *stream) Fail(err error) { s.pipe.Cut(err) }

// abort tells the program to abort the request, waits briefly for its confirmation, and otherwise
// closes the connection, which the program notices when it writes.
func (s *stream) abort(cause error) {
	s.tellAbort(cause)
	timer := time.NewTimer(abortTime)
	defer timer.Stop()
	select {
	case <-s.ended:
	case <-timer.C:
		s.conn.close(cause)
	}
}

func (s *stream) tellAbort(cause error) {
	s.aborted.Store(true)
	s.pipe.Cut(cause)
	_ = s.conn.net.SetWriteDeadline(time.Now().Add(abortTime)) // a write must not delay this
	_ = s.conn.write(abortTime, func(b []byte) []byte { return fcgi.AppendRecord(b, fcgi.TypeAbort, s.id, nil) })
}

// await waits for a sign that the program, which was told to abort, does not hang: it ends the
// request, or continues to write, and then the connection is closed. It reports false if there is
// no sign until the request's time is up. over and gone are closed when the result is no longer
// needed.
func (s *stream) await(cause error, over, gone <-chan struct{}) (alive bool) {
	var late <-chan time.Time
	if s.limit > 0 {
		timer := time.NewTimer(max(abortTime, s.pipe.Clock.Left(s.limit)))
		defer timer.Stop()
		late = timer.C
	}
	select {
	case <-s.ended:
		return true
	case <-s.sign:
	case <-over:
	case <-gone:
	case <-late:
		s.conn.close(cause)
		return false
	}
	s.conn.close(cause)
	return true
}
