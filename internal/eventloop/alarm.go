package eventloop

import (
	"sync"
	"time"

	"github.com/modgw/modgw/internal/monotonic"
)

// Alarm calls a function on the loop when its time has come. Unlike a [Timer] any goroutine may set
// it.
type Alarm struct {
	loop  *Loop
	timer *Timer // belongs to the loop
	apply func() // sets the timer; allocated once

	mu    sync.Mutex
	delay time.Duration // from when the loop applies it; negative: it is not to be called
	asked bool          // apply was posted
}

// NewAlarm makes an alarm, which is not set.
func (l *Loop) NewAlarm(call func()) *Alarm {
	a := &Alarm{loop: l, timer: l.NewTimer(call)}
	a.apply = a.setTimer
	return a
}

// Set has the function called after d, instead of when it was set to before.
func (a *Alarm) Set(d time.Duration) { a.ask(max(d, 0)) }

// Stop has the function not called, unless the loop is about to.
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
