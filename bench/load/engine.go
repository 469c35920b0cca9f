package load

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// engine keeps the connections of a job busy, all from one thread.
type engine struct {
	job     Job
	address unix.SockaddrInet4
	head    []byte // the head of each request
	slow    []byte // the head of each request for the slow page
	message []byte
	zeros   []byte // pieces of bodies
	room    []byte // buffer for received bytes

	epoll int
	timer int // a timerfd, for requests at a fixed rate
	conns []*conn
	byFD  map[int]*conn

	free  []*conn     // at a fixed rate, connections that wait for a request
	late  []time.Time // at a fixed rate, when the requests that wait for a connection were due
	faint []*conn     // connections that failed, and continue a moment later
	sent  int         // at a fixed rate, the number of requests so far
	start time.Time
	until time.Time

	opening  bool // WebSockets are opened and not used yet
	counting bool
	result   Result
}

func newEngine(job Job) (*engine, error) {
	address, err := netip.ParseAddrPort(job.Address)
	if err != nil {
		return nil, err
	}
	e := &engine{job: job, byFD: map[int]*conn{}, zeros: make([]byte, 256<<10), room: make([]byte, 256<<10)}
	e.address = unix.SockaddrInet4{Port: int(address.Port()), Addr: address.Addr().As4()}
	e.head, e.slow, e.message = requestHead(job), requestHead(Job{Address: job.Address, Path: job.SlowPath}), message("hello, is there anybody out there?")
	if e.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return nil, err
	}
	if e.timer, err = unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC); err != nil {
		return nil, err
	}
	event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(e.timer)}
	return e, unix.EpollCtl(e.epoll, unix.EPOLL_CTL_ADD, e.timer, &event)
}

func requestHead(job Job) []byte {
	method, more := "GET", ""
	switch {
	case job.Upload > 0:
		method, more = "POST", fmt.Sprintf("Content-Type: application/octet-stream\r\nContent-Length: %d\r\n", job.Upload)
	case job.Protocol == WebSocket:
		more = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
	}
	return fmt.Appendf(nil, "%s %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: bench\r\nAccept: */*\r\n%s\r\n", method, job.Path, job.Address, more)
}

// run does the job.
func (e *engine) run(w Watch) (Result, error) {
	if err := e.openIdle(); err != nil {
		return Result{}, err
	}
	e.until = time.Now().Add(openingTime)
	e.opening = e.job.Protocol == WebSocket
	for range e.job.Connections {
		c := &conn{engine: e, fd: -1}
		e.conns = append(e.conns, c)
		if e.job.Rate > 0 {
			e.free = append(e.free, c)
		} else {
			c.ask(time.Now())
		}
	}
	for range e.job.Slow {
		c := &conn{engine: e, fd: -1, role: asksSlowPage}
		c.ask(time.Now())
	}
	if err := e.awaitOpen(); err != nil {
		return Result{}, err
	}
	e.start = time.Now().Add(e.job.Warmup)
	e.until = e.start.Add(e.job.Duration)
	if err := e.loop(e.start); err != nil {
		return Result{}, err
	}
	e.begin()
	call(w.Begun)
	if err := e.loop(e.until); err != nil {
		return Result{}, err
	}
	e.result.Elapsed = time.Since(e.start)
	e.result.CPU = processTime() - e.result.CPU
	call(w.Ended)
	err := e.finish()
	call(w.Over)
	for _, c := range e.byFD {
		c.close()
	}
	return e.result, err
}

// openIdle opens the connections that stay idle.
func (e *engine) openIdle() error {
	for range e.job.Idle {
		c := &conn{engine: e, fd: -1, role: staysIdle}
		c.ask(time.Now())
		for patience := time.Now().Add(10 * time.Second); !c.began.IsZero(); {
			if time.Now().After(patience) {
				return fmt.Errorf("with %d idle connections there is no answer in 10 seconds", len(e.byFD)-1)
			}
			if err := e.wait(patience); err != nil {
				return err
			}
		}
	}
	if failed := e.result.Failed(); failed > 0 {
		return fmt.Errorf("%d of %d idle connections got no answer: %v", failed, e.job.Idle, e.result.Errors)
	}
	return nil
}

// openingTime limits the opening of many WebSockets or streams.
const openingTime = 20 * time.Second

// awaitOpen waits until all lasting connections are open.
func (e *engine) awaitOpen() error {
	for e.job.Protocol != HTTP && slices.ContainsFunc(e.conns, func(c *conn) bool { return !c.open() }) {
		if time.Now().After(e.until) {
			return fmt.Errorf("not all of %d connections were open after %s: %v", len(e.conns), openingTime, e.result.Errors)
		}
		if err := e.wait(e.until); err != nil {
			return err
		}
	}
	if e.opening {
		e.opening = false
		for _, c := range e.conns {
			c.ask(time.Now())
		}
	}
	return nil
}

func (e *engine) begin() {
	e.counting = true
	e.start = time.Now()
	e.until = e.start.Add(e.job.Duration)
	e.sent = 0
	e.result = Result{Errors: map[string]int{}, CPU: processTime(), Start: monotonic()}
}

// finish waits for requests of a fixed rate that are under way or late: leaving out the slow ones
// would hide them.
func (e *engine) finish() error {
	patience := time.Now().Add(5 * time.Second)
	for e.job.Rate > 0 && time.Now().Before(patience) && e.unanswered() > 0 {
		if err := e.wait(patience); err != nil {
			return err
		}
	}
	if n := e.unanswered(); e.job.Rate > 0 && n > 0 {
		e.result.Errors["no answer in 5 seconds"] += n
	}
	e.counting = false
	return nil
}

func (e *engine) unanswered() int { return len(e.conns) - len(e.free) + len(e.late) }

func (e *engine) loop(until time.Time) error {
	for time.Now().Before(until) {
		if e.job.Rate > 0 {
			e.sendDue(until)
		}
		if err := e.wait(until); err != nil {
			return err
		}
	}
	if e.job.Rate > 0 {
		e.sendDue(until) // requests that became due while this thread was not scheduled
	}
	return nil
}

// sendDue sends the requests that are due, and sets the timer for the next one.
func (e *engine) sendDue(until time.Time) {
	origin := e.start
	if !e.counting {
		origin = e.start.Add(-e.job.Warmup)
	}
	for {
		due := origin.Add(time.Duration(float64(e.sent) / e.job.Rate * float64(time.Second)))
		if !due.Before(until) {
			return
		}
		if left := time.Until(due); left > 0 {
			spec := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(left))}
			// the timer is open and the time is right
			_ = unix.TimerfdSettime(e.timer, 0, &spec, nil)
			return
		}
		e.sent++
		if n := len(e.free); n > 0 {
			c := e.free[n-1]
			e.free = e.free[:n-1]
			c.ask(due)
		} else {
			e.late = append(e.late, due)
		}
	}
}

// wait waits for events, and handles them.
func (e *engine) wait(until time.Time) error {
	pause := int(max(0, time.Until(until))/time.Millisecond) + 1
	if len(e.faint) > 0 {
		pause = 1
	}
	var events [256]unix.EpollEvent
	n, err := unix.EpollWait(e.epoll, events[:], pause)
	if err != nil && err != unix.EINTR {
		return err
	}
	e.revive()
	for _, event := range events[:max(n, 0)] {
		if int(event.Fd) == e.timer {
			var expired [8]byte
			_, _ = unix.Read(e.timer, expired[:]) // only to silence it
			continue
		}
		c := e.byFD[int(event.Fd)]
		if c == nil {
			continue // closed since
		}
		if event.Events&unix.EPOLLOUT != 0 {
			c.flush()
		}
		if event.Events&^unix.EPOLLOUT != 0 && c.fd == int(event.Fd) {
			c.receive()
		}
	}
	return nil
}

func (e *engine) revive() {
	faint := e.faint
	e.faint = nil
	for _, c := range faint {
		e.next(c, time.Now())
	}
}

// answered records a response, and continues with the connection.
func (e *engine) answered(c *conn, wrong string) {
	now := time.Now()
	switch {
	case wrong != "":
		e.book(wrong)
	case c.role == asksSlowPage:
	case e.counting && !c.began.Before(e.start):
		e.result.Answered++
		e.result.Latency.Record(now.Sub(c.began))
	case e.counting && e.job.Rate == 0:
		e.result.Answered++ // begun in the warm-up
	}
	if e.counting && wrong == "" && c.role != asksSlowPage {
		e.pace(now)
	}
	e.next(c, now)
}

// pace records the time of an answer.
func (e *engine) pace(now time.Time) {
	step := int(now.Sub(e.start) / PaceStep)
	for len(e.result.Pace) <= step {
		e.result.Pace = append(e.result.Pace, 0)
	}
	e.result.Pace[step]++
}

// fail records a request without an answer.
func (e *engine) fail(c *conn, why string) {
	e.book(why)
	c.began = time.Time{}
	e.faint = append(e.faint, c)
}

func (e *engine) book(why string) {
	if e.result.Errors == nil {
		e.result.Errors = map[string]int{}
	}
	e.result.Errors[why]++
}

func (e *engine) next(c *conn, now time.Time) {
	c.began = time.Time{}
	switch {
	case c.role == staysIdle:
	case c.role == asksSlowPage, e.job.Rate == 0:
		if now.Before(e.until) {
			c.ask(now)
		}
	case len(e.late) > 0:
		due := e.late[0]
		e.late = e.late[1:]
		c.ask(due)
	default:
		e.free = append(e.free, c)
	}
}

// events records the events in a piece of a stream.
func (e *engine) events(c *conn, p []byte) {
	c.stream.feed(p, time.Now(), func(age time.Duration) {
		if e.counting {
			e.result.Answered++
			e.result.Latency.Record(age)
		}
	})
}

func monotonic() time.Duration {
	var now unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &now) // every Linux has this clock
	return time.Duration(now.Nano())
}

func processTime() time.Duration {
	var usage unix.Rusage
	_ = unix.Getrusage(unix.RUSAGE_SELF, &usage) // it fails only for a wrong argument
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
