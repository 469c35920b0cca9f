package mux

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/modgw/modgw/modgw/runner/python/control"
)

// TestMessageForTheAppWakesNextOnlyWhenTheAppIsLate has a WebSocket whose app owes nothing get a
// message. That wakes no goroutine at once, but when the app has sent nothing for a while.
func TestMessageForTheAppWakesNextOnlyWhenTheAppIsLate(t *testing.T) {
	for name, steps := range map[string][]func(*Stream){
		"Next waits already":  {(*Stream).makeTimer, (*Stream).expectAnswer},
		"Next waits later on": {(*Stream).expectAnswer, (*Stream).makeTimer},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &Stream{kind: WebSocket, news: make(chan struct{}, 1)}
				s.asked.Store(true)
				began := time.Now()
				for _, step := range steps {
					step(s)
				}
				select {
				case <-s.news:
					t.Error("it wakes Next at once")
				case <-s.timer.C:
					if after := time.Since(began); after != control.LagTime {
						t.Errorf("it wakes Next after %v", after)
					}
				}
			})
		})
	}
}
