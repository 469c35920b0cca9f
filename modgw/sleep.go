package modgw

import (
	"context"
	"time"
)

// Events that wake a sleeping app.
const (
	WokenByRequest = "request"
	WokenByDeploy  = "deploy"     // a reload, a restart or a rollback
	WokenByStop    = "stop"       // it is stopped or removed, or the host ends
	WokenByIdle    = "stop_after" // it is stopped because it was idle for long
	WokenByScale   = "scale"
)

// SleepStatus reports whether an app sleeps, and the cause of its last waking.
type SleepStatus struct {
	After float64    `json:"after"`          // seconds without a request until it falls asleep
	Since time.Time  `json:"since,omitzero"` // begin of its sleep; absent: it is awake
	Times int        `json:"times"`          // how often it fell asleep since the host started
	Woken *Awakening `json:"woken"`          // the last; null: none yet
}

// Awakening is the cause of an app's waking.
type Awakening struct {
	Cause   string          `json:"cause"`   // WokenByRequest …
	Request *SuspectRequest `json:"request"` // null: it was no request
	Time    time.Time       `json:"time"`    // when its processes ran again
	Slept   float64         `json:"slept"`   // seconds that it had slept
	Took    float64         `json:"took"`    // seconds until its processes ran
}

// sleep is the sleep of an app. App.mu guards it.
type sleep struct {
	since     time.Time // zero: it is awake
	times     int
	woken     *Awakening
	rise      chan Awakening     // receives the cause of waking; nil: the app is awake
	interrupt context.CancelFunc // ends falling asleep; nil: it is awake
}

// begin records that the app falls asleep. rise receives the cause of waking, and ctx ends then.
func (s *sleep) begin() (ctx context.Context, rise <-chan Awakening) {
	s.rise = make(chan Awakening, 1)
	ctx, s.interrupt = context.WithCancel(context.Background())
	return ctx, s.rise
}

// rouse wakes the app, which takes a moment. It does nothing if it is awake, or was roused.
func (s *sleep) rouse(by Awakening) {
	if s.rise == nil {
		return
	}
	select {
	case s.rise <- by:
	default:
	}
	s.interrupt()
}

// end notes that the app is awake.
func (s *sleep) end() {
	s.interrupt()
	s.since, s.rise, s.interrupt = time.Time{}, nil, nil
}

// wake returns when the app is awake.
func (a *App) wake(ctx context.Context, cause string) error {
	for {
		a.mu.Lock()
		isAsleep, changed := a.state == AppAsleep, a.changed
		if isAsleep {
			a.sleep.rouse(Awakening{Cause: cause})
		}
		a.mu.Unlock()
		if !isAsleep {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// lockAwake is lock for an app whose workers are to be touched: it is awake until unlock.
func (a *App) lockAwake(ctx context.Context, cause string) error {
	// It may be falling asleep, for which the lock is held.
	if err := a.wake(ctx, cause); err != nil {
		return err
	}
	if err := a.lock(ctx); err != nil {
		return err
	}
	if err := a.wake(ctx, cause); err != nil {
		a.unlock()
		return err
	}
	return nil
}

// sleepStatusLocked is nil for an app that is not to sleep; a.mu is held.
func (a *App) sleepStatusLocked() *SleepStatus {
	after := a.routed.Idle.SleepAfter
	if after <= 0 {
		return nil
	}
	return &SleepStatus{After: after.Seconds(), Since: a.sleep.since, Times: a.sleep.times, Woken: a.sleep.woken}
}
