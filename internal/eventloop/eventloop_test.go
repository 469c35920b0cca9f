package eventloop

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"github.com/modgw/modgw/internal/monotonic"
	"github.com/modgw/modgw/internal/watchtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newLoop(t *testing.T) *Loop {
	t.Helper()
	before := descriptors(t)
	l, err := New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		l.Close()
		if after := descriptors(t); after > before {
			t.Errorf("%d descriptors are open, and %d were before", after, before)
		}
	})
	return l
}

func descriptors(t *testing.T) int {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// pair returns two connected sockets. ours is registered with the loop.
func pair(t *testing.T, l *Loop, arrived func(s *Socket) bool) (ours, theirs *Socket) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs = NewSocket(fds[0]), NewSocket(fds[1])
	if arrived != nil {
		ours.Arrived = func() bool { return arrived(ours) }
	}
	for _, s := range []*Socket{ours, theirs} {
		if err := s.Register(l); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
	}
	return ours, theirs
}

// on runs f on the loop and waits for it.
func on(l *Loop, f func()) {
	done := make(chan struct{})
	l.Post(func() { f(); close(done) })
	<-done
}

func TestPostedFunctionsRunInTheirOrder(t *testing.T) {
	l := newLoop(t)
	var got []int
	for i := range 100 {
		l.Post(func() { got = append(got, i) })
	}
	on(l, func() {})
	for i, n := range got {
		if i != n {
			t.Fatalf("they ran as %v", got)
		}
	}
	if len(got) != 100 {
		t.Errorf("%d ran", len(got))
	}
}

func TestWhatIsPostedByManyIsNotForgotten(t *testing.T) {
	l := newLoop(t)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 200 {
				on(l, func() {})
			}
		})
	}
	all.Wait()
}

func TestBytesPassBetweenGoroutinesInAnyNumber(t *testing.T) {
	l := newLoop(t)
	ours, theirs := pair(t, l, nil)
	sent := bytes.Repeat([]byte("0123456789abcdef!"), 200_000)
	go func() {
		if n, err := ours.WriteTwo(sent[:1000], sent[1000:]); n != len(sent) || err != nil {
			t.Errorf("%d bytes were written: %v", n, err)
		}
		ours.Close()
	}()
	var got []byte
	p := make([]byte, 100_000)
	for {
		n, _, _, err := theirs.ReadMessage(p, nil)
		got = append(got, p[:n]...)
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(got, sent) {
		t.Errorf("%d bytes came of %d", len(got), len(sent))
	}
}

func TestLoopAnswersItself(t *testing.T) {
	l := newLoop(t)
	p := make([]byte, 100)
	_, theirs := pair(t, l, func(s *Socket) bool {
		for {
			n, _, _, err := s.TryReadMessage(p, nil)
			if err != nil {
				return true
			}
			if _, err := s.TryWrite(bytes.ToUpper(p[:n])); err != nil {
				t.Error(err)
			}
		}
	})
	for i := range 100 {
		text := fmt.Sprintf("text %d", i)
		if _, err := theirs.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		var got []byte
		q := make([]byte, 100)
		for len(got) < len(text) {
			n, _, _, err := theirs.ReadMessage(q, nil)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, q[:n]...)
		}
		if string(got) != strings.ToUpper(text) {
			t.Fatalf("got %q", got)
		}
	}
}

func TestReadingEndsAtItsDeadlineAndWhenTheSocketIsClosed(t *testing.T) {
	l := newLoop(t)
	ours, theirs := pair(t, l, nil)
	errs := make(chan error)
	read := func() {
		_, _, _, err := ours.ReadMessage(make([]byte, 1), nil)
		errs <- err
	}
	go read()
	ours.SetReadDeadline(time.Unix(1, 0))
	if err := <-errs; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("at the deadline: %v", err)
	}
	ours.SetReadDeadline(time.Now().Add(time.Millisecond))
	go read()
	if err := <-errs; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("after the deadline: %v", err)
	}
	ours.SetReadDeadline(time.Time{})
	go read()
	theirs.Write([]byte("x"))
	if err := <-errs; err != nil {
		t.Errorf("without a deadline: %v", err)
	}
	go read()
	ours.Close()
	if err := <-errs; !errors.Is(err, net.ErrClosed) {
		t.Errorf("when it is closed: %v", err)
	}
	if _, err := theirs.Write([]byte("x")); !errors.Is(err, unix.EPIPE) {
		t.Errorf("writing to what is closed: %v", err)
	}
}

func TestWritingThatWaitsEndsWhenTheSocketIsClosed(t *testing.T) {
	l := newLoop(t)
	ours, _ := pair(t, l, nil)
	errs := make(chan error)
	go func() {
		_, err := ours.Write(make([]byte, 64<<20))
		errs <- err
	}()
	for {
		if _, err := ours.TryWrite([]byte("x")); err == unix.EAGAIN {
			break
		}
		time.Sleep(time.Millisecond)
	}
	ours.Close()
	if err := <-errs; !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
}

func TestEventOfASourceThatWasRemovedReachesNoOther(t *testing.T) {
	l := newLoop(t)
	var first, second Source
	a, b := socketpair(t), socketpair(t)
	heard := make(chan string, 10)
	on(l, func() {
		// Both events have occurred before the first handler removes the second source.
		unix.Write(a[1], []byte("x"))
		unix.Write(b[1], []byte("x"))
		l.Add(&first, a[0], handler(func(Events) {
			heard <- "first"
			second.Remove()
			l.Add(&second, b[0], handler(func(Events) { heard <- "second again" }))
		}))
		l.Add(&second, b[0], handler(func(Events) { heard <- "second" }))
	})
	if got := <-heard; got == "second" {
		t.Skip("the kernel reports them in another order")
	}
	if got := <-heard; got != "second again" {
		t.Errorf("heard %s", got)
	}
	on(l, func() { first.Remove(); second.Remove() })
}

type handler func(Events)

func (h handler) Ready(e Events) { h(e) }

func socketpair(t *testing.T) [2]int {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fds[0]); unix.Close(fds[1]) })
	return fds
}

// TestClosingLoopHandlesTheEventsThatAreDue has a source get an event, and the loop closed, while
// the loop handles an event of another source.
func TestClosingLoopHandlesTheEventsThatAreDue(t *testing.T) {
	l, err := New()
	if err != nil {
		t.Fatal(err)
	}
	began, goOn, handled := make(chan struct{}), make(chan struct{}), false
	var first, second Source
	add := func(s *Source, h handler) (end func()) {
		fds := socketpair(t)
		if err := l.Add(s, fds[0], h); err != nil {
			t.Fatal(err)
		}
		return func() { unix.Shutdown(fds[1], unix.SHUT_RDWR) }
	}
	endFirst := add(&first, func(Events) { close(began); <-goOn })
	endSecond := add(&second, func(Events) { handled = true })
	endFirst()
	<-began
	endSecond()
	go l.Close()
	watchtest.Eventually(t, "the loop closes", func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.closing
	})
	close(goOn)
	<-l.ended
	if !handled {
		t.Error("an event that came before Close is lost")
	}
}

func TestTimersGoInTheOrderOfTheirTimes(t *testing.T) {
	l := newLoop(t)
	order := make(chan int, 3)
	on(l, func() {
		for i, ms := range []int{3, 1, 2} {
			l.newTimer(func() { order <- i }).Set(l.Now(), time.Duration(ms)*5*time.Millisecond)
		}
	})
	if a, b, c := <-order, <-order, <-order; a != 1 || b != 2 || c != 0 {
		t.Errorf("they went %d %d %d", a, b, c)
	}
}

func TestTimeStandsStillWithinATurn(t *testing.T) {
	l := newLoop(t)
	var first, second, later time.Time
	on(l, func() {
		first = l.Time()
		for !time.Now().After(first) {
		}
		second = l.Time()
	})
	for !time.Now().After(second) {
	}
	on(l, func() { later = l.Time() })
	if !first.Equal(second) || !later.After(second) {
		t.Errorf("it is %v, %v and %v", first, second, later)
	}
}

func TestLimitEndsWhatStaysTooLongAndNothingElse(t *testing.T) {
	l := newLoop(t)
	overdue := make(chan string, 2)
	long, short := &Stay{Overdue: func() { overdue <- "long" }}, &Stay{Overdue: func() { overdue <- "short" }}
	var m *Limit
	on(l, func() {
		m = l.NewLimit(20 * time.Millisecond)
		m.Begin(short)
		m.Begin(long)
		short.End()
		short.End()
	})
	if got := <-overdue; got != "long" {
		t.Errorf("%s was overdue", got)
	}
	on(l, func() {
		if m.timer.isSet() {
			t.Error("the limit ticks with nothing to look after")
		}
		long.End()
	})
}

// TestLimitIsLookedAtInATurnThatBeganLongAgo has the timer expire late in a turn: at the time of
// the turn, no stay is overdue.
func TestLimitIsLookedAtInATurnThatBeganLongAgo(t *testing.T) {
	l := newLoop(t)
	overdue := make(chan struct{})
	s := &Stay{Overdue: func() { close(overdue) }}
	on(l, func() {
		l.NewLimit(10 * time.Millisecond).Begin(s)
	})
	on(l, func() {
		begin := l.Time()
		for time.Since(begin) < 20*time.Millisecond {
			time.Sleep(time.Millisecond)
		}
	})
	<-overdue
}

type flusher func()

func (f flusher) Flush() { f() }

func TestFlushesComeAtTheEndOfATurn(t *testing.T) {
	l := newLoop(t)
	var order []string
	on(l, func() {
		l.FlushLater(flusher(func() {
			order = append(order, "flush")
			l.FlushLater(flusher(func() { order = append(order, "flush of the flush") }))
		}))
		l.Post(func() { order = append(order, "posted") })
		order = append(order, "function")
	})
	on(l, func() {})
	on(l, func() {})
	if got := strings.Join(order, ", "); got != "function, flush, flush of the flush, posted" {
		t.Error(got)
	}
}

func TestLoopThatHasNothingToDoIsNotScheduled(t *testing.T) {
	l := newLoop(t)
	thread := 0
	on(l, func() { thread = unix.Gettid() })
	before := switches(t, thread)
	time.Sleep(300 * time.Millisecond)
	if after := switches(t, thread); after > before+1 { // it may only just have been going to sleep
		t.Errorf("it was scheduled %d times", after-before)
	}
}

func TestLoopThatTakesNapsLetsGarbageBeCollectedAndFallsAsleep(t *testing.T) {
	l := newLoop(t)
	l.TakeNaps()
	thread := 0
	on(l, func() { thread = unix.Gettid() })
	for napping := 0; napping < 100; {
		on(l, func() { // the next event arrives within a nap, unless the machine is busy
			if l.naps == often {
				napping++
			}
		})
		if napping%10 == 0 {
			runtime.GC() // which stops the loop's goroutine, too
		}
	}
	for deadline := time.Now().Add(time.Minute); ; {
		before := switches(t, thread)
		time.Sleep(100 * time.Millisecond)
		if switches(t, thread) == before {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("it does not fall asleep")
		}
	}
	on(l, func() {
		if l.naps == often {
			t.Error("it naps again after it has waited for long")
		}
	})
}

// switches returns the number of voluntary context switches of a thread.
func switches(t *testing.T, thread int) (n int) {
	t.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/self/task/%d/status", thread))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(data), "\nvoluntary_ctxt_switches:")
	fmt.Sscan(rest, &n)
	return n
}

func TestOrdinaryTurnAllocatesNothing(t *testing.T) {
	l := newLoop(t)
	ours, theirs := pair(t, l, nil)
	p := make([]byte, 16)
	if n := testing.AllocsPerRun(100, func() {
		if _, err := ours.TryWrite(p); err != nil {
			t.Error(err)
		}
		if _, _, _, err := theirs.ReadMessage(p, nil); err != nil {
			t.Error(err)
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestAlarmIsSetByAnyGoroutine(t *testing.T) {
	l := newLoop(t)
	rang := make(chan struct{}, 1)
	a := l.NewAlarm(func() { rang <- struct{}{} })
	a.Set(time.Hour)
	a.Set(time.Millisecond)
	<-rang
	a.Set(time.Millisecond) // while the loop sleeps
	<-rang
	var asked time.Duration
	on(l, func() {
		l.Time()
		time.Sleep(2 * time.Millisecond) // the turn is long
		asked = monotonic.Now()
		a.Set(time.Hour)
	})
	on(l, func() {
		if a.timer.at < asked+time.Hour {
			t.Error("the alarm counts from the beginning of the turn")
		}
	})
	a.Stop()
	on(l, func() {
		if a.timer.isSet() {
			t.Error("the alarm goes on")
		}
	})
}
