package eventloop

import (
	"sync"
	"time"
)

// Alarm calls a function on the loop when its time has come. Unlike a [Timer] any goroutine may set
// it.
type Alarm struct {
	loop  *Loop
	timer *Timer // belongs to the loop
	apply func() // sets the timer; allocated once

	mu    sync.Mutex
	delay time.Duration // from when the loop applies it
	asked bool          // apply was posted
}

// NewAlarm makes an alarm, which is not set.
func (l *Loop) NewAlarm(call func()) *Alarm {
	a := &Alarm{loop: l, timer: l.NewTimer(call)}
	a.apply = a.setTimer
	return a
}

// Set has the function called after d, instead of when it was set to before.
func (a *Alarm) Set(d time.Duration) {
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
	a.timer.Set(a.loop.Now(), d)
}
