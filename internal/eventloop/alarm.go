package eventloop

import (
	"sync"
	"time"

	"github.com/modgw/modgw/internal/monotonic"
)

// Alarm calls a function on the loop at a given time. Unlike a [Timer], it may be set by any
// goroutine.
type Alarm struct {
	loop  *Loop
	timer *timer // belongs to the loop
	apply func() // sets the timer; allocated once

	mu    sync.Mutex
	delay time.Duration // starting when the loop applies it; negative: not set
	asked bool          // apply was posted
}

// NewAlarm returns an alarm that is not set.
func (l *Loop) NewAlarm(call func()) *Alarm {
	a := &Alarm{loop: l, timer: l.newTimer(call)}
	a.apply = a.setTimer
	return a
}

// Set makes the loop call the function after d, instead of at the previously set time.
func (a *Alarm) Set(d time.Duration) { a.ask(max(d, 0)) }

// Stop cancels the call of the function, unless the loop is about to call it.
func (a *Alarm) Stop() { a.ask(-1) }

func (a *Alarm) ask(d time.Duration) {
	a.mu.Lock()
	a.delay = d
	asked := a.asked
	a.asked = true
	a.mu.Unlock()
	if !asked {
		a.loop.Post(a.apply)
	}
}

func (a *Alarm) setTimer() {
	a.mu.Lock()
	d := a.delay
	a.asked = false
	a.mu.Unlock()
	if d < 0 {
		a.timer.Stop()
		return
	}
	a.timer.Set(monotonic.Now(), d) // the loop's turn may have begun long ago
}
