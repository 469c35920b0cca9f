package python

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"pgregory.net/rapid"

	"github.com/modgw/modgw/modgw"
)

// idleWorker is a worker without a process.
func idleWorker(number, lanes int) *worker {
	w := &worker{number: number}
	for i := range lanes {
		w.lanes = append(w.lanes, &lane{worker: w, number: i})
	}
	return w
}

// TestPoolGivesEachLaneToOne does in any order what can happen to a pool, beside a model of who has which lane.
func TestPoolGivesEachLaneToOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := &pool{hopes: 1}
		var present, all []*worker
		taken := map[*lane]bool{}
		var order []*lane
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
			"acquire": func(t *rapid.T) {
				l, err := p.acquire(context.Background())
				least := -1
				for _, w := range present {
					if w.busy < len(w.lanes) && (least < 0 || w.busy < least) {
						least = w.busy
					}
				}
				// What acquire has taken is counted already.
				if err != nil {
					if !errors.Is(err, errQueueFull) || least >= 0 {
						t.Fatalf("refused with %v", err)
					}
					return
				}
				if taken[l] {
					t.Fatalf("lane %d of worker %d was taken already", l.number, l.worker.number)
				}
				if least >= 0 && l.worker.busy-1 > least {
					t.Fatalf("worker %d has %d requests, and another one %d", l.worker.number, l.worker.busy-1, least)
				}
				for _, other := range l.worker.lanes[:l.number] {
					if !taken[other] {
						t.Fatalf("lane %d was taken, and %d is free", l.number, other.number)
					}
				}
				taken[l] = true
				order = append(order, l)
			},
			"release": func(t *rapid.T) {
				if len(order) == 0 {
					t.Skip("none")
				}
				i := rapid.IntRange(0, len(order)-1).Draw(t, "lane")
				l := order[i]
				order = append(order[:i:i], order[i+1:]...)
				delete(taken, l)
				p.release(l)
			},
			"abandon": func(t *rapid.T) {
				for _, l := range order {
					if !l.abandoned {
						p.abandon(l)
						return
					}
				}
				t.Skip("none")
			},
			"": func(t *rapid.T) {
				if busy, queued := p.counts(); busy != len(taken) || queued != 0 {
					t.Fatalf("%d busy and %d queued, want %d and 0", busy, queued, len(taken))
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
				if _, err := p.acquire(ctx); err == nil {
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
			p.release(w.lanes[0])
		}
	})
}

func TestWaitersAreDismissedWhenThereIsNoHope(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pool{hopes: 1, queue: modgw.Queue{Max: 10}}
		result := make(chan error, 1)
		go func() {
			_, err := p.acquire(t.Context())
			result <- err
		}()
		synctest.Wait()
		p.hope(-1)
		if err := <-result; !errors.Is(err, errNoWorkers) {
			t.Errorf("got %v", err)
		}
		if _, err := p.acquire(t.Context()); !errors.Is(err, errNoWorkers) {
			t.Errorf("got %v", err)
		}
		p.hope(1)
		p.close()
		if _, err := p.acquire(t.Context()); !errors.Is(err, errClosed) {
			t.Errorf("got %v", err)
		}
	})
}

func TestDrainedClosesWhenOnlyAbandonedRequestsAreLeft(t *testing.T) {
	p := &pool{hopes: 1}
	w := idleWorker(1, 3)
	p.add(w)
	var lanes []*lane
	for range 3 {
		l, err := p.acquire(t.Context())
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
	p.release(lanes[1])
	if !open() {
		t.Error("closed while a request is in flight")
	}
	p.release(lanes[2])
	if open() {
		t.Error("open although nobody waits for the worker")
	}
	p.release(lanes[0])
}

func TestUnpackedWorkerIsCompleteAndShared(t *testing.T) {
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
