package python

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"

	"pgregory.net/rapid"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/runner/workers"
)

// idleWorker is a worker without a process.
func idleWorker(number, lanes int) *worker {
	w := &worker{Worker: &workers.Worker{Number: number}}
	for i := range lanes {
		w.lanes = append(w.lanes, &lane{worker: w, pool: &pool{}, number: i})
	}
	return w
}

// TestPoolGivesRoomAndNoMore does in any order what can happen to a pool, beside a model of which lane has what.
func TestPoolGivesRoomAndNoMore(t *testing.T) {
	t.Parallel()
	gone, cancel := context.WithCancel(t.Context())
	cancel() // nobody waits
	type request struct {
		lane             *lane
		alone, abandoned bool
	}
	rapid.Check(t, func(t *rapid.T) {
		p := &pool{hopes: 1, queue: modgw.Queue{Max: rapid.IntRange(0, 5).Draw(t, "queue")}}
		var present, all []*worker
		var requests []*request
		on := func(l *lane) (found []*request) {
			for _, r := range requests {
				if r.lane == l {
					found = append(found, r)
				}
			}
			return found
		}
		counts := func() (busy, behind int) {
			for _, w := range all {
				for _, l := range w.lanes {
					if n := len(on(l)); n > 0 {
						busy, behind = busy+1, behind+n-1
					}
				}
			}
			return busy, behind
		}
		room := func(l *lane, alone bool) bool {
			here := on(l)
			_, behind := counts()
			return len(here) == 0 || !alone && !here[0].alone && behind < p.queue.Max &&
				len(here) < int(l.depth.Load()) && !l.stalled.Load()
		}
		computes := func(l *lane) bool { return len(on(l)) > 0 && l.computes.Load() && !l.stalled.Load() }
		open := func(l *lane, alone bool) bool { // there is room that the worker's computing threads leave to others
			idle := func(l *lane) bool { return len(on(l)) == 0 }
			kept := slices.ContainsFunc(l.worker.lanes, func(l *lane) bool { return !idle(l) && l.keeps.Load() })
			if kept && slices.ContainsFunc(l.worker.lanes, idle) {
				return idle(l)
			}
			if !room(l, alone) || computes(l) {
				return room(l, alone)
			}
			_, behind := counts()
			share, most, computing := !alone && behind < p.queue.Max, 2, 0
			for _, other := range l.worker.lanes {
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
			return kept || computing < most || behind+p.waiters.Len() >= p.queue.Max
		}
		draw := func(t *rapid.T, what string) *lane {
			if len(all) == 0 {
				t.Skip("none")
			}
			return rapid.SampledFrom(rapid.SampledFrom(all).Draw(t, "worker").lanes).Draw(t, what)
		}
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				w := idleWorker(len(all)+1, rapid.IntRange(1, 4).Draw(t, "lanes"))
				present, all = append(present, w), append(all, w)
				p.add(w)
			},
			"remove": func(t *rapid.T) {
				if len(present) == 0 {
					t.Skip("none")
				}
				i := rapid.IntRange(0, len(present)-1).Draw(t, "worker")
				p.remove(present[i])
				present = append(present[:i:i], present[i+1:]...)
			},
			"pace": func(t *rapid.T) { draw(t, "lane").paced(rapid.Byte().Draw(t, "pace"), rapid.Byte().Draw(t, "cpu")) },
			"stall": func(t *rapid.T) {
				l := draw(t, "lane")
				l.stalled.Store(rapid.Bool().Draw(t, "stalled"))
				l.keeps.Store(l.stalled.Load() && rapid.Bool().Draw(t, "keeps"))
			},
			"acquire": func(t *rapid.T) {
				alone, least := rapid.Bool().Draw(t, "alone"), -1
				for _, w := range present {
					if slices.ContainsFunc(w.lanes, func(l *lane) bool { return open(l, alone) }) && (least < 0 || w.busy < least) {
						least = w.busy
					}
				}
				l, err := p.acquire(gone, &ticket{alone: alone})
				if err != nil {
					if least >= 0 {
						t.Fatalf("refused with %v although there is room", err)
					}
					return
				}
				if !open(l, alone) {
					t.Fatalf("lane %d of worker %d had no room", l.number, l.worker.Number)
				}
				if l.worker.busy-1 > least { // what acquire has taken is counted already
					t.Fatalf("worker %d has %d requests, and another one %d", l.worker.Number, l.worker.busy-1, least)
				}
				for _, other := range l.worker.lanes[:l.number] {
					if open(other, alone) {
						t.Fatalf("lane %d was taken, and %d has room", l.number, other.number)
					}
				}
				requests = append(requests, &request{lane: l, alone: alone})
			},
			"release": func(t *rapid.T) {
				if len(requests) == 0 {
					t.Skip("none")
				}
				i := rapid.IntRange(0, len(requests)-1).Draw(t, "request")
				r := requests[i]
				requests = append(requests[:i:i], requests[i+1:]...)
				p.release(r.lane, r.abandoned)
			},
			"abandon": func(t *rapid.T) {
				for _, r := range requests {
					if !r.abandoned {
						r.abandoned = true
						p.abandon(r.lane)
						for _, beside := range on(r.lane) {
							beside.alone = true // nothing more comes to the lane until it is empty
						}
						return
					}
				}
				t.Skip("none")
			},
			"": func(t *rapid.T) {
				wantBusy, wantQueued := counts()
				if busy, queued := p.counts(); busy != wantBusy || queued != wantQueued {
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
		p := &pool{hopes: 1, queue: modgw.Queue{Max: 10}}
		served := make(chan int, 10)
		gone, cancel := context.WithCancel(t.Context())
		for i := range 4 {
			ctx := t.Context()
			if i == 1 {
				ctx = gone
			}
			go func() {
				if _, err := p.acquire(ctx, &ticket{}); err == nil {
					served <- i
				}
			}()
			synctest.Wait() // so that they come one after another
		}
		cancel()
		synctest.Wait()
		w := idleWorker(1, 1)
		p.add(w)
		for _, want := range []int{0, 2, 3} {
			if got := <-served; got != want {
				t.Errorf("%d was served, want %d", got, want)
			}
			p.release(w.lanes[0], false)
		}
	})
}

func TestWaitersAreDismissedWhenThereIsNoHope(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &pool{hopes: 1, queue: modgw.Queue{Max: 10}}
		result := make(chan error, 1)
		go func() {
			_, err := p.acquire(t.Context(), &ticket{})
			result <- err
		}()
		synctest.Wait()
		p.hope(-1)
		if err := <-result; !errors.Is(err, errNoWorkers) {
			t.Errorf("got %v", err)
		}
		if _, err := p.acquire(t.Context(), &ticket{}); !errors.Is(err, errNoWorkers) {
			t.Errorf("got %v", err)
		}
		p.hope(1)
		p.close()
		if _, err := p.acquire(t.Context(), &ticket{}); !errors.Is(err, errClosed) {
			t.Errorf("got %v", err)
		}
	})
}

func TestDrainedClosesWhenOnlyAbandonedRequestsAreLeft(t *testing.T) {
	t.Parallel()
	p := &pool{hopes: 1}
	w := idleWorker(1, 3)
	p.add(w)
	var lanes []*lane
	for range 3 {
		l, err := p.acquire(t.Context(), &ticket{})
		if err != nil {
			t.Fatal(err)
		}
		lanes = append(lanes, l)
	}
	p.abandon(lanes[0])
	p.remove(w)
	drained := p.drained(w)
	open := func() bool {
		select {
		case <-drained:
			return false
		default:
			return true
		}
	}
	p.release(lanes[1], false)
	if !open() {
		t.Error("closed while a request is in flight")
	}
	p.release(lanes[2], false)
	if open() {
		t.Error("open although nobody waits for the worker")
	}
	p.release(lanes[0], true)
}

func TestUnpackedWorkerIsCompleteAndShared(t *testing.T) {
	t.Parallel()
	state := t.TempDir()
	first, err := Unpack(state)
	if err != nil {
		t.Fatal(err)
	}
	second, err := Unpack(state)
	if err != nil || second.Dir != first.Dir {
		t.Errorf("unpacked twice: %v and %v, %v", first, second, err)
	}
	if !exists(first.Dir+"/__main__.py") || !exists(first.Dir+"/modgw_worker/lane.py") {
		t.Error("files are missing")
	}
}
