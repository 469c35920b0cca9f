package relay

import "testing"

func TestOverdueRequestIsInterruptedOnceAndThenGivenUp(t *testing.T) {
	for name, c := range map[string]struct {
		interruptible bool
		want          []Overrun
	}{
		"interruptible":     {true, []Overrun{Interrupted, GivenUp, GivenUp}},
		"not interruptible": {false, []Overrun{GivenUp, GivenUp}},
	} {
		var o Overrun
		for i, want := range c.want {
			if got := o.TimeUp(c.interruptible); got != want || o != want {
				t.Errorf("%s: step %d is %d, want %d", name, i+1, got, want)
			}
		}
	}
}
