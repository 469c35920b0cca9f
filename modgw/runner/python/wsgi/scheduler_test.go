package wsgi

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"

	"pgregory.net/rapid"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/runner/python/control"
	"github.com/modgw/modgw/modgw/runner/queue"
	"github.com/modgw/modgw/modgw/runner/workers"
)

// idleWorker returns a worker without a process.
func idleWorker(number, threads int) *Worker {
	w := &Worker{Worker: &control.Worker{Worker: &workers.Worker{Number: number}}}
	for i := range threads {
		w.Conns = append(w.Conns, &Conn{worker: w, scheduler: &scheduler{}, number: i})
	}
	return w
}

// TestSchedulerGivesRoomAndNoMore performs operations on a scheduler in random order, and compares
// it with a model of which connection has which requests.
func TestSchedulerGivesRoomAndNoMore(t *testing.T) {
	t.Parallel()
	gone, cancel := context.WithCancel(t.Context())
	cancel() // no request waits
	type request struct {
		conn             *Conn
		alone, abandoned bool
	}
	rapid.Check(t, func(t *rapid.T) {
		s := &scheduler{expected: 1, queue: modgw.Queue{Max: rapid.IntRange(0, 5).Draw(t, "queue")}}
		var present, all []*Worker
		var requests []*request
		on := func(c *Conn) (found []*request) {
			for _, r := range requests {
				if r.conn == c {
					found = append(found, r)
				}
			}
			return found
		}
		counts := func() (busy, behind int) {
			for _, w := range all {
				for _, c := range w.Conns {
					if n := len(on(c)); n > 0 {
						busy, behind = busy+1, behind+n-1
					}
				}
			}
			return busy, behind
		}
		room := func(c *Conn, alone bool) bool {
			here := on(c)
			_, behind := counts()
			return len(here) == 0 || !alone && !here[0].alone && behind < s.queue.Max &&
				len(here) < int(c.depth.Load()) && !c.isStalled()
		}
		computes := func(c *Conn) bool { return len(on(c)) > 0 && c.computes.Load() && !c.isStalled() }
		// there is room that the worker's computing threads leave to others
		open := func(c *Conn, alone bool) bool {
			idle := func(c *Conn) bool { return len(on(c)) == 0 }
			kept := slices.ContainsFunc(c.worker.Conns, func(c *Conn) bool { return !idle(c) && c.stall.Load() == computed })
			if kept && slices.ContainsFunc(c.worker.Conns, idle) {
				return idle(c)
			}
			if !room(c, alone) || computes(c) {
				return room(c, alone)
			}
			_, behind := counts()
			share, most, computing := !alone && behind < s.queue.Max, 2, 0
			for _, other := range c.worker.Conns {
				if computes(other) {
					if room(other, alone) {
						return false
					}
					computing++
					if share && !on(other)[0].alone {
						most = 1
					}
				}
			}
			return kept || computing < most || behind+s.waiters.Len() >= s.queue.Max
		}
		draw := func(t *rapid.T, what string) *Conn {
			if len(all) == 0 {
				t.Skip("none")
			}
			return rapid.SampledFrom(rapid.SampledFrom(all).Draw(t, "worker").Conns).Draw(t, what)
		}
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				w := idleWorker(len(all)+1, rapid.IntRange(1, 4).Draw(t, "threads"))
				present, all = append(present, w), append(all, w)
				s.add(w)
			},
			"remove": func(t *rapid.T) {
				if len(present) == 0 {
					t.Skip("none")
				}
				i := rapid.IntRange(0, len(present)-1).Draw(t, "worker")
				s.remove(present[i])
				present = append(present[:i:i], present[i+1:]...)
			},
			"pace": func(t *rapid.T) { draw(t, "conn").NotePace(rapid.Byte().Draw(t, "pace"), rapid.Byte().Draw(t, "cpu")) },
			"stall": func(t *rapid.T) {
				draw(t, "conn").stall.Store(rapid.Int32Range(flowing, computed).Draw(t, "stall"))
			},
			"acquire": func(t *rapid.T) {
				alone, least := rapid.Bool().Draw(t, "alone"), -1
				for _, w := range present {
					if slices.ContainsFunc(w.Conns, func(c *Conn) bool { return open(c, alone) }) && (least < 0 || w.busy < least) {
						least = w.busy
					}
				}
				c, err := s.acquire(gone, &ticket{alone: alone})
				if err != nil {
					if least >= 0 {
						t.Fatalf("refused with %v although there is room", err)
					}
					return
				}
				if !open(c, alone) {
					t.Fatalf("thread %d of worker %d had no room", c.number, c.worker.Number)
				}
				if c.worker.busy-1 > least { // the acquired request is already counted
					t.Fatalf("worker %d has %d requests, and another one %d", c.worker.Number, c.worker.busy-1, least)
				}
				for _, other := range c.worker.Conns[:c.number] {
					if open(other, alone) {
						t.Fatalf("thread %d was taken, and %d has room", c.number, other.number)
					}
				}
				requests = append(requests, &request{conn: c, alone: alone})
			},
			"release": func(t *rapid.T) {
				if len(requests) == 0 {
					t.Skip("none")
				}
				i := rapid.IntRange(0, len(requests)-1).Draw(t, "request")
				r := requests[i]
				requests = append(requests[:i:i], requests[i+1:]...)
				s.release(r.conn, r.abandoned)
			},
			"abandon": func(t *rapid.T) {
				for _, r := range requests {
					if !r.abandoned {
						r.abandoned = true
						s.abandon(r.conn)
						for _, beside := range on(r.conn) {
							// the connection gets no more requests until it is empty
							beside.alone = true
						}
						return
					}
				}
				t.Skip("none")
			},
			"": func(t *rapid.T) {
				wantBusy, wantQueued := counts()
				if busy, queued := s.counts(); busy != wantBusy || queued != wantQueued {
					t.Fatalf("%d busy and %d queued, want %d and %d", busy, queued, wantBusy, wantQueued)
				}
				for _, w := range all {
					if w.abandoned > w.busy || w.abandoned < 0 {
						t.Fatalf("%d of %d are abandoned", w.abandoned, w.busy)
					}
				}
			},
		})
	})
}

func TestWaitersAreServedInTheirOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &scheduler{expected: 1, queue: modgw.Queue{Max: 10}}
		served := make(chan int, 10)
		gone, cancel := context.WithCancel(t.Context())
		for i := range 4 {
			ctx := t.Context()
			if i == 1 {
				ctx = gone
			}
			go func() {
				if _, err := s.acquire(ctx, &ticket{}); err == nil {
					served <- i
				}
			}()
			synctest.Wait() // so that they come one after another
		}
		cancel()
		synctest.Wait()
		w := idleWorker(1, 1)
		s.add(w)
		for _, want := range []int{0, 2, 3} {
			if got := <-served; got != want {
				t.Errorf("%d was served, want %d", got, want)
			}
			s.release(w.Conns[0], false)
		}
	})
}

func TestRequestThatIsRequeuedKeepsItsPlaceInTheQueue(t *testing.T) {
	t.Parallel()
	s := &scheduler{expected: 1, queue: modgw.Queue{Max: 1}}
	w := idleWorker(1, 1)
	s.add(w)
	isFull := func() bool {
		newcomer := &waiter{ticket: &ticket{alone: true}}
		s.begin(newcomer)
		return errors.Is(newcomer.err, queue.ErrFull)
	}
	behind := &ticket{number: 1}
	s.take(w.Conns[0], &ticket{})
	s.take(w.Conns[0], behind)
	if !isFull() {
		t.Error("a request was admitted beyond the one that waits behind another")
	}

	s.keepPlace(behind)
	s.release(w.Conns[0], false)
	if !isFull() {
		t.Error("a request was admitted beyond the one that is being requeued")
	}
	again := &waiter{ticket: behind, wake: func() {}}
	if !s.begin(again) || !isFull() {
		t.Errorf("the requeued request does not wait, or waits for no place: %v", again.err)
	}
	s.leave(again, context.Canceled)

	s.keepPlace(behind)
	s.losePlace(behind)
	if isFull() {
		t.Error("a request that is not served again kept its place")
	}
}

func TestWaitersAreRefusedWhenNoWorkerIsExpected(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &scheduler{expected: 1, queue: modgw.Queue{Max: 10}}
		result := make(chan error, 1)
		go func() {
			_, err := s.acquire(t.Context(), &ticket{})
			result <- err
		}()
		synctest.Wait()
		s.expect(-1)
		if err := <-result; !errors.Is(err, queue.ErrNobody) {
			t.Errorf("got %v", err)
		}
		if _, err := s.acquire(t.Context(), &ticket{}); !errors.Is(err, queue.ErrNobody) {
			t.Errorf("got %v", err)
		}
		s.expect(1)
		s.close()
		if _, err := s.acquire(t.Context(), &ticket{}); !errors.Is(err, queue.ErrClosed) {
			t.Errorf("got %v", err)
		}
	})
}

func TestWorkerThatIsToldToEndARequestGetsNoneUntilItAnswers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &scheduler{expected: 2, queue: modgw.Queue{Max: 10}}
		told, other := idleWorker(1, 2), idleWorker(2, 2)
		for _, w := range []*Worker{told, other} {
			w.scheduler = s
			s.add(w)
		}
		s.pause(told)
		for range 2 { // although the other one is busier
			c, err := s.acquire(t.Context(), &ticket{})
			if err != nil || c.worker != other {
				t.Fatalf("got a connection to worker %v, %v", c, err)
			}
		}
		loop := &waiter{ticket: &ticket{}, wake: func() {}}
		if !s.begin(loop) {
			t.Error("a request of the loop did not wait")
		}
		got := make(chan *Conn, 1)
		go func() {
			c, _ := s.acquire(t.Context(), &ticket{})
			got <- c
		}()
		synctest.Wait()
		if len(got) > 0 || loop.conn != nil {
			t.Error("a request did not wait")
		}
		told.Answered()
		if c := <-got; c.worker != told || loop.conn == nil || loop.conn.worker != told {
			t.Errorf("got the connections %v and %v", c, loop.conn)
		}
	})
}

func TestDrainedClosesWhenOnlyAbandonedRequestsAreLeft(t *testing.T) {
	t.Parallel()
	s := &scheduler{expected: 1}
	w := idleWorker(1, 3)
	s.add(w)
	var conns []*Conn
	for range 3 {
		c, err := s.acquire(t.Context(), &ticket{})
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, c)
	}
	s.abandon(conns[0])
	s.remove(w)
	drained := s.drained(w)
	open := func() bool {
		select {
		case <-drained:
			return false
		default:
			return true
		}
	}
	s.release(conns[1], false)
	if !open() {
		t.Error("closed while a request is in flight")
	}
	s.release(conns[2], false)
	if open() {
		t.Error("open although no request waits for the worker")
	}
	s.release(conns[0], true)
}
