package relay

import (
	"testing"
	"testing/synctest"
	"time"
)

// rings starts a clock, and returns the time when it reported the limit; 0 until then.
func rings(c *Clock, limit time.Duration) (after *time.Duration) {
	begun := time.Now()
	after = new(time.Duration)
	c.Start(limit, func() { *after = time.Since(begun) })
	return after
}

func TestClockStandsStillWhileItIsPaused(t *testing.T) {
	for name, c := range map[string]struct {
		act  func(*Clock)
		want time.Duration
	}{
		"runs":                  {func(*Clock) {}, 5 * time.Second},
		"paused":                {func(c *Clock) { c.Pause(); time.Sleep(time.Minute); c.Resume() }, 65 * time.Second},
		"paused in two places":  {func(c *Clock) { c.Pause(); c.Pause(); c.Resume(); time.Sleep(time.Minute); c.Resume() }, 65 * time.Second},
		"paused in the middle":  {func(c *Clock) { time.Sleep(3 * time.Second); c.Pause(); time.Sleep(time.Minute); c.Resume() }, 65 * time.Second},
		"paused again":          {func(c *Clock) { c.Pause(); c.Resume(); c.Pause(); time.Sleep(time.Second); c.Resume() }, 6 * time.Second},
		"stopped":               {func(c *Clock) { c.Stop() }, 0},
		"stopped while paused":  {func(c *Clock) { c.Pause(); c.Stop(); c.Resume() }, 0},
		"begins again":          {func(c *Clock) { time.Sleep(3 * time.Second); c.Start(time.Hour, func() {}) }, 0},
		"paused before it runs": {func(c *Clock) { c.Stop(); c.Pause(); c.Start(time.Second, func() { panic("it runs") }) }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var clock Clock
				after := rings(&clock, 5*time.Second)
				c.act(&clock)
				time.Sleep(10 * time.Minute)
				synctest.Wait()
				if *after != c.want {
					t.Errorf("it said so after %s, want %s", *after, c.want)
				}
				clock.Stop()
			})
		})
	}
}

func TestClockTellsWhatIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c Clock
		want := func(left time.Duration) {
			t.Helper()
			if got := c.Left(time.Hour); got != left {
				t.Errorf("%s are left, want %s", got, left)
			}
		}
		want(time.Hour)
		rings(&c, 5*time.Second)
		time.Sleep(time.Second)
		want(4 * time.Second)
		c.Pause()
		time.Sleep(time.Minute)
		want(4 * time.Second)
		c.Stop()
		want(time.Hour)
	})
}

func TestClockWithoutALimitNeverRings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c Clock
		after := rings(&c, 0)
		c.Pause()
		c.Resume()
		time.Sleep(time.Hour)
		if *after != 0 {
			t.Errorf("it rang after %s", *after)
		}
	})
}
