package eventloop

import (
	"container/heap"
	"time"
)

// timer calls a function on the loop at a given time. Only the loop may use it.
type timer struct {
	at    time.Duration
	index int // index in the heap; -1: not set
	call  func()
	all   *timers
}

// newTimer returns a timer that is not set.
func (l *Loop) newTimer(call func()) *timer { return &timer{index: -1, call: call, all: &l.timers} }

// Set makes the loop call the timer's function after d, instead of at the previously set time.
func (t *timer) Set(now, d time.Duration) {
	t.at = now + d
	if t.index >= 0 {
		heap.Fix(t.all, t.index)
		return
	}
	heap.Push(t.all, t)
}

// Stop cancels the call of the function.
func (t *timer) Stop() {
	if t.index >= 0 {
		heap.Remove(t.all, t.index)
	}
}

// isSet reports whether the function will be called.
func (t *timer) isSet() bool { return t.index >= 0 }

// timers is a heap of the timers that are set.
type timers []*timer

// expire calls the functions that are due.
func (t *timers) expire(now time.Duration) {
	for len(*t) > 0 && (*t)[0].at <= now {
		first := heap.Pop(t).(*timer)
		first.call()
	}
}

// untilNext returns the time until the next timer, in milliseconds, or -1 if there is none.
func (t *timers) untilNext(now func() time.Duration) int {
	if len(*t) == 0 {
		return -1
	}
	d := (*t)[0].at - now()
	return int(max(0, (d+time.Millisecond-1)/time.Millisecond))
}

func (t timers) Len() int           { return len(t) }
func (t timers) Less(i, j int) bool { return t[i].at < t[j].at }
func (t timers) Swap(i, j int) {
	t[i], t[j] = t[j], t[i]
	t[i].index, t[j].index = i, j
}

// Push implements [heap.Interface].
func (t *timers) Push(x any) {
	timer := x.(*timer)
	timer.index = len(*t)
	*t = append(*t, timer)
}

// Pop implements [heap.Interface].
func (t *timers) Pop() any {
	old := *t
	last := old[len(old)-1]
	old[len(old)-1] = nil
	*t = old[:len(old)-1]
	last.index = -1
	return last
}
