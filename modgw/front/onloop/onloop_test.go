package onloop

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"github.com/modgw/modgw/internal/eventloop"
	"github.com/modgw/modgw/internal/looptest"
	"github.com/modgw/modgw/internal/watchtest"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/listen"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// lines is a protocol in which a line is a request, and its response is the line. A line that
// begins with "?" is unusual, and the connection ends after "bye". The handler panics for "panic".
// On a goroutine the response is the line with "~" before it.
type lines struct {
	in     []byte
	used   bool
	driven chan<- *lineDriver // gets every driver; nil: they are not looked at
}

func (l *lines) Read(fd int) (int, error) {
	var b [100]byte
	n, err := unix.Read(fd, b[:])
	l.in = append(l.in, b[:max(0, n)]...)
	if n == 0 && err == nil {
		err = io.EOF
	}
	return max(0, n), err
}

func (l *lines) HasInput() bool { return len(l.in) > 0 }
func (l *lines) WasUsed() bool  { return l.used }

func (l *lines) Parse() Progress {
	switch {
	case len(l.in) > 0 && l.in[0] == '?':
		return Unusual
	case bytes.IndexByte(l.in, '\n') < 0:
		return Partial
	}
	return Whole
}

func (l *lines) line() string {
	line, _, _ := strings.Cut(string(l.in), "\n")
	return line
}

func (l *lines) Request(time.Time) (*http.Request, *modgw.RequestInfo, bool) {
	l.used = true
	r, err := http.NewRequest("GET", "/", nil)
	if l.line() == "panic" {
		r.Header.Set("X-Panic", "1")
	}
	return r, &modgw.RequestInfo{}, err == nil && l.line() != "refused"
}

func (l *lines) Body() []byte { return []byte(l.line()) }

func (l *lines) AppendResponse(b []byte, status int, _ http.Header, body []byte, _ time.Time) ([]byte, bool) {
	return append(append(b, body...), '\n'), status == http.StatusOK
}

func (l *lines) EndRequest() bool {
	line := l.line()
	l.in = l.in[len(line)+1:]
	return line != "bye"
}

func (l *lines) Release() { l.in = nil }

func (l *lines) LeaveLoop(rwc net.Conn, w Work) Driver {
	d := &lineDriver{lines: l, rwc: rwc, work: w, drained: make(chan struct{})}
	if w.Last {
		d.Drain()
	}
	if l.driven != nil {
		l.driven <- d
	}
	return d
}

// lineDriver answers the lines read, and returns to the loop when that is done.
type lineDriver struct {
	*lines
	rwc     net.Conn
	work    Work
	once    sync.Once
	drained chan struct{}
}

func (d *lineDriver) Drive() (fd int, goesBack bool) {
	d.rwc.Write(d.work.Rest)
	var b [100]byte
	for !d.work.IsOver && d.HasInput() {
		if i := bytes.IndexByte(d.in, '\n'); i >= 0 {
			d.rwc.Write(append([]byte("~"), d.in[:i+1]...))
			d.in, d.used = d.in[i+1:], true
			continue
		}
		n, err := d.rwc.Read(b[:])
		if d.in = append(d.in, b[:n]...); err != nil {
			d.work.IsOver = true
		}
	}
	select {
	case <-d.drained:
		d.work.IsOver = true
	default:
	}
	if !d.work.IsOver {
		if fd, ok := eventloop.Take(d.rwc); ok {
			return fd, true
		}
	}
	d.rwc.Close()
	return -1, false
}

func (d *lineDriver) Drain()    { d.once.Do(func() { close(d.drained) }) }
func (d *lineDriver) Return()   {} // it goes back as soon as it has answered
func (d *lineDriver) Cut(error) { d.rwc.Close() }

// peer is the other end of a connection on the loop.
type peer struct {
	*testing.T
	net.Conn
	conn  *Conn
	ended chan struct{}
}

// echo answers on the loop with the request's body.
func echo(x modgw.LoopExchange) { x.Respond(http.StatusOK, bytes.Clone(x.Body())) }

// start begins a connection on a separate loop.
func start(t *testing.T, h *looptest.Handler, c Config, l *lines) *peer {
	t.Helper()
	ours, theirs := socketPair(t)
	return startOn(t, ours, theirs, h, c, l)
}

// socketPair returns two connected Unix sockets.
func socketPair(t *testing.T) (ours, theirs net.Conn) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	var ends [2]net.Conn
	for i, fd := range fds {
		if ends[i], err = eventloop.Give(fd); err != nil {
			t.Fatal(err)
		}
	}
	return ends[0], ends[1]
}

// tcpPair returns the two ends of a TCP connection.
func tcpPair(t *testing.T) (ours net.Conn, theirs *net.TCPConn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	client, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if ours, err = ln.Accept(); err != nil {
		t.Fatal(err)
	}
	return ours, client.(*net.TCPConn)
}

// startOn begins a connection, whose client has the other end of it. Without loops it begins on
// another loop than the one on which h serves.
func startOn(t *testing.T, ours, theirs net.Conn, h *looptest.Handler, c Config, l *lines) *peer {
	t.Helper()
	if c.Loops == nil {
		c.Loops = looptest.Loops(t, h)
	}
	c.Handler, c.Log = h, slog.New(slog.DiscardHandler)
	conn, ok := New(c).Accept(ours, l)
	if !ok {
		t.Fatal("the loop does not accept a socket")
	}
	p := &peer{t, theirs, conn, make(chan struct{})}
	p.SetDeadline(time.Now().Add(20 * time.Second))
	conn.Start(func() { close(p.ended) })
	t.Cleanup(func() {
		conn.Cut(errors.New("the test is over"))
		p.Conn.Close()
		<-p.ended
		looptest.Close(c.Loops)
	})
	return p
}

func (p *peer) send(text string) {
	p.Helper()
	if _, err := io.WriteString(p.Conn, text); err != nil {
		p.Fatal(err)
	}
}

func (p *peer) want(text string) {
	p.Helper()
	b := make([]byte, len(text))
	if _, err := io.ReadFull(p.Conn, b); err != nil || string(b) != text {
		p.Fatalf("got %q, %v, want %q", b, err, text)
	}
}

// wantEnd waits for the end of the connection, which must be counted.
func (p *peer) wantEnd() {
	p.Helper()
	if rest, err := io.ReadAll(p.Conn); len(rest) > 0 || err != nil && !errors.Is(err, unix.ECONNRESET) {
		p.Fatalf("got %q, %v, want the end", rest, err)
	}
	<-p.ended
}

func TestConnectionGoesToAGoroutineAndComesBack(t *testing.T) {
	h := &looptest.Handler{Answer: echo}
	driven := make(chan *lineDriver, 10)
	p := start(t, h, Config{}, &lines{driven: driven})
	p.send("a\nb\n")
	p.want("a\nb\n")
	for _, line := range []string{"?odd\n", "refused\n"} {
		p.send(line)
		p.want("~" + line)
		<-driven
		p.send("c\n")
		p.want("c\n")
	}
	if n := h.OnLoop.Load(); n != 4 {
		t.Errorf("%d requests were served on the loop", n)
	}
}

func TestPartOfARequestGoesToAGoroutineAfterAWhile(t *testing.T) {
	driven := make(chan *lineDriver, 1)
	p := start(t, &looptest.Handler{Answer: echo}, Config{}, &lines{driven: driven})
	p.send("half")
	<-driven
	p.send(" and half\n")
	p.want("~half and half\n")
}

func TestUnansweredRequestGoesToAGoroutine(t *testing.T) {
	for name, leave := range map[string]func(*peer){
		"after a while":                  func(*peer) {},
		"when its client sends the end":  func(p *peer) { p.Conn.(*net.UnixConn).CloseWrite() },
		"when more comes on a multiplex": func(p *peer) { p.send("more\n") },
	} {
		t.Run(name, func(t *testing.T) {
			h := &looptest.Handler{}
			driven := make(chan *lineDriver, 1)
			p := start(t, h, Config{Multiplexed: strings.Contains(name, "multiplex")}, &lines{driven: driven})
			p.send("a\n")
			watchtest.Eventually(t, "the request is on the loop", func() bool { return h.OnLoop.Load() == 1 })
			leave(p)
			if d := <-driven; d.work.Serve == nil || d.work.Info == nil {
				t.Errorf("it goes on with %+v", d.work)
			}
			p.want("~a\n")
		})
	}
}

func TestEndThatComesWithARequestEndsTheConnectionAfterTheResponse(t *testing.T) {
	for sent, want := range map[string]string{"a\n": "a\n", "a\nb\n": "a\nb\n", "a\nhalf": "a\n", "half": "", "": ""} {
		ours, theirs := tcpPair(t) // the kernel reports the end of Unix sockets repeatedly
		if _, err := io.WriteString(theirs, sent); err != nil {
			t.Fatal(err)
		}
		if err := theirs.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		// A loop to which a connection moves gets the end again.
		oneLoop := Config{Loops: []*eventloop.Loop{looptest.NewLoop(t)}}
		p := startOn(t, ours, theirs, &looptest.Handler{Answer: echo}, oneLoop, &lines{})
		if got, err := io.ReadAll(p.Conn); string(got) != want || err != nil {
			t.Errorf("after %q got %q, %v, want %q", sent, got, err, want)
		}
		<-p.ended
	}
}

func TestDrainEndsAnIdleConnection(t *testing.T) {
	p := start(t, &looptest.Handler{Answer: echo}, Config{}, &lines{})
	p.send("a\n")
	p.want("a\n")
	p.conn.Drain()
	p.wantEnd()
}

func TestDrainAnswersWhatIsServed(t *testing.T) {
	served := make(chan modgw.LoopExchange, 1)
	h := &looptest.Handler{Answer: func(x modgw.LoopExchange) { served <- x }}
	p := start(t, h, Config{}, &lines{})
	p.send("a\n")
	x := <-served
	p.conn.Drain()
	x.Loop().Post(func() { echo(x) })
	p.want("a\n")
	p.wantEnd()
}

func TestDrainLeavesANewConnectionToAGoroutine(t *testing.T) {
	driven := make(chan *lineDriver, 1)
	p := start(t, &looptest.Handler{Answer: echo}, Config{}, &lines{driven: driven})
	p.conn.Drain()
	if d := <-driven; !d.work.Last {
		t.Errorf("it goes on with %+v", d.work)
	}
	p.wantEnd()
}

func TestCutEndsAConnectionInEveryState(t *testing.T) {
	for name, ask := range map[string]string{"idle": "", "receiving": "half", "serving": "a\n", "away": "?half"} {
		t.Run(name, func(t *testing.T) {
			h := &looptest.Handler{}
			driven := make(chan *lineDriver, 10)
			p := start(t, h, Config{}, &lines{driven: driven})
			p.send(ask)
			switch name {
			case "serving":
				watchtest.Eventually(t, "the request is on the loop", func() bool { return h.OnLoop.Load() == 1 })
			case "away":
				<-driven
			}
			p.conn.Cut(errors.New("cut"))
			<-p.ended
		})
	}
}

// startMoving begins a connection whose request moves to a loop that has not come to it yet.
func startMoving(t *testing.T) (p *peer, arrive func()) {
	h := &looptest.Handler{Answer: echo}
	p = start(t, h, Config{}, &lines{})
	busy, free := make(chan struct{}), make(chan struct{})
	h.Home.Post(func() { close(busy); <-free })
	<-busy
	p.send("a\n")
	watchtest.Eventually(t, "the connection moves", func() bool { return p.conn.Loop() == h.Home })
	return p, func() { close(free) }
}

func TestConnectionCanEndWhileItMoves(t *testing.T) {
	t.Run("cut", func(t *testing.T) {
		p, arrive := startMoving(t)
		p.conn.Cut(errors.New("cut"))
		arrive()
		<-p.ended
	})
	t.Run("drained", func(t *testing.T) {
		p, arrive := startMoving(t)
		p.conn.Drain()
		arrive()
		p.want("a\n")
		p.wantEnd()
	})
	t.Run("passed to another process", func(t *testing.T) {
		p, arrive := startMoving(t)
		passed := make(chan bool, 1)
		p.conn.Leave(&listen.Handover{Pass: func(fd int, used bool) {
			unix.Close(fd)
			passed <- used
		}})
		arrive()
		p.want("a\n")
		if !<-passed {
			t.Error("it passes as one without a request")
		}
		<-p.ended
	})
}

// TestConnectionIsLeftAloneByTheLoopThatItLeaves has the rest of a request for another loop arrive
// in the turn that answers the previous request, after which the loop looks for another request.
func TestConnectionIsLeftAloneByTheLoopThatItLeaves(t *testing.T) {
	peers := make(chan *peer, 1)
	h := &looptest.Handler{}
	h.Answer = func(x modgw.LoopExchange) {
		if h.OnLoop.Load() > 1 {
			echo(x)
			return
		}
		p, here := <-peers, x.Loop()
		h.Home = p.conn.server.Loops[1]
		echo(x)
		p.send("\n")
		p.conn.Ready(unix.EPOLLIN)
		if p.conn.state != moving || x.Loop() != here {
			t.Error("it has left before the end of the turn")
		}
	}
	p := start(t, h, Config{}, &lines{})
	peers <- p
	p.send("a\nb")
	p.want("a\nb\n")
	if p.conn.Loop() != p.conn.server.Loops[1] {
		t.Error("it has not moved")
	}
}

func TestRequestForALoopThatTheFrontDoesNotHaveGoesToAGoroutine(t *testing.T) {
	h := &looptest.Handler{Answer: echo}
	driven := make(chan *lineDriver, 1)
	p := start(t, h, Config{}, &lines{driven: driven})
	other := looptest.NewLoop(t)
	defer other.Close()
	p.conn.post(func() { h.Home = other })
	p.send("a\n")
	if d := <-driven; d.work.Serve == nil {
		t.Error("its request is forgotten")
	}
	p.want("~a\n")
}

func TestIdleConnectionsEndInTime(t *testing.T) {
	p := start(t, &looptest.Handler{Answer: echo}, Config{FirstTimeout: time.Millisecond}, &lines{})
	p.wantEnd()
	p = start(t, &looptest.Handler{Answer: echo}, Config{IdleTimeout: time.Millisecond}, &lines{})
	p.send("a\n")
	p.want("a\n")
	p.wantEnd()
}

func TestLastResponseEndsTheConnectionAfterUnreadInput(t *testing.T) {
	driven := make(chan *lineDriver, 1)
	p := start(t, &looptest.Handler{Answer: echo}, Config{}, &lines{driven: driven})
	p.send("bye\nmore\n")
	if d := <-driven; !d.work.IsOver || d.work.Serve != nil {
		t.Errorf("it goes on with %+v", d.work)
	}
	p.want("bye\n")
	p.wantEnd()
}

func TestResponseThatDoesNotFitGoesOnOnAGoroutine(t *testing.T) {
	long := strings.Repeat("l", 4<<20)
	h := &looptest.Handler{Answer: func(x modgw.LoopExchange) { x.Respond(http.StatusOK, []byte(long)) }}
	driven := make(chan *lineDriver, 1)
	p := start(t, h, Config{}, &lines{driven: driven})
	p.send("a\n")
	if d := <-driven; len(d.work.Rest) == 0 || d.work.IsOver {
		t.Errorf("it goes on with %d bytes", len(d.work.Rest))
	}
	p.want(long + "\n")
}

func TestPanicEndsTheConnection(t *testing.T) {
	h := &looptest.Handler{}
	p := start(t, h, Config{}, &lines{})
	p.send("panic\n")
	p.wantEnd()
	if n := h.Left.Load(); n != 1 {
		t.Errorf("the handler of the request learned %d times that it ended", n)
	}
}
