package wsgi

import (
	"slices"
	"testing"
	"time"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/runner/python/control"
	"github.com/modgw/modgw/modgw/runner/workers"
	"github.com/modgw/modgw/modgw/wire"
)

const halfMillisecond = uint8(500 * time.Microsecond / wire.PaceUnit)

// threadsOf assigns simultaneous requests to a worker whose first thread has a known pace, and
// returns the number of requests of each thread.
func threadsOf(pace, cpu uint8, parallel, alone bool, requests int) []int {
	w := &Worker{Worker: &control.Worker{Worker: &workers.Worker{Number: 1}}}
	s := &scheduler{expected: 1, queue: modgw.Queue{Max: 100}, parallel: parallel}
	for i := range 4 {
		w.Conns = append(w.Conns, &Conn{worker: w, scheduler: s, number: i})
	}
	s.add(w)
	w.Conns[0].NotePace(pace, cpu)
	got := make([]int, len(w.Conns))
	for range requests {
		if c := s.free(&ticket{alone: alone}); c != nil {
			s.take(c, &ticket{alone: alone})
			got[c.number]++
		}
	}
	return got
}

func TestWorkStaysOnAThreadThatComputes(t *testing.T) {
	for _, c := range []struct {
		name            string
		pace, cpu       uint8
		parallel, alone bool
		want            []int
	}{
		{name: "computes", pace: halfMillisecond, cpu: 250, want: []int{20, 0, 0, 0}},
		{name: "waits", pace: halfMillisecond, cpu: 30, want: []int{2, 1, 1, 1}},
		{name: "computes for long", pace: wire.MaxPace, cpu: 255, want: []int{1, 1, 1, 1}},
		{name: "unknown", want: []int{1, 1, 1, 1}},
		{name: "free-threaded", pace: halfMillisecond, cpu: 250, parallel: true, want: []int{2, 1, 1, 1}},
		{name: "may not share", pace: halfMillisecond, cpu: 250, alone: true, want: []int{1, 1, 1, 1}},
	} {
		requests := 0
		for _, n := range c.want {
			requests += n
		}
		if got := threadsOf(c.pace, c.cpu, c.parallel, c.alone, requests); !slices.Equal(got, c.want) {
			t.Errorf("%s: threads got %v requests, want %v", c.name, got, c.want)
		}
	}
}

func TestOneThreadComputesWhileOthersWaitForIt(t *testing.T) {
	for _, test := range []struct {
		name  string
		alone bool
		want  []int
	}{
		{"requests that share a thread", false, []int{int(computeAhead / (500 * time.Microsecond)), 0, 0, 0}},
		{"requests that do not", true, []int{1, 1, 0, 0}},
	} {
		w := &Worker{Worker: &control.Worker{Worker: &workers.Worker{Number: 1}}}
		s := &scheduler{expected: 1, queue: modgw.Queue{Max: 1000}}
		for i := range 4 {
			w.Conns = append(w.Conns, &Conn{worker: w, scheduler: s, number: i})
			w.Conns[i].NotePace(halfMillisecond, 255)
		}
		s.add(w)
		got := make([]int, len(w.Conns))
		for c := s.free(&ticket{alone: test.alone}); c != nil; c = s.free(&ticket{alone: test.alone}) {
			s.take(c, &ticket{alone: test.alone})
			got[c.number]++
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: threads got %v requests, want %v", test.name, got, test.want)
		}
		w.Conns[0].stall.Store(stalled)
		if c := s.free(&ticket{alone: test.alone}); c == nil || c.load > 0 {
			t.Errorf("%s: no other thread is free when the first one is busy for long", test.name)
		}
	}
}
