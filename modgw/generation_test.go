package modgw

import "testing"

// drainedNow reports whether a generation has no requests left.
func drainedNow(g *Generation) bool {
	select {
	case <-g.drained:
		return true
	default:
		return false
	}
}

func TestRetiredGenerationTakesNoRequestAndDrainsWithItsLast(t *testing.T) {
	g := &Generation{drained: make(chan struct{})}
	for range 2 {
		if !g.countIn() {
			t.Fatal("a generation that serves takes no request")
		}
	}
	if inFlight := g.retire(); inFlight != 2 {
		t.Errorf("%d requests were in flight", inFlight)
	}
	if g.countIn() {
		t.Error("a request began on a generation that was replaced")
	}
	g.countOut()
	if drainedNow(g) {
		t.Error("it has drained, and a request is left")
	}
	if g.countOut(); !drainedNow(g) {
		t.Error("it has not drained, and no request is left")
	}
	if g.countIn() {
		t.Error("a request began after the last one had ended")
	}
}

func TestIdleGenerationHasDrainedWhenItIsRetired(t *testing.T) {
	g := &Generation{drained: make(chan struct{})}
	if inFlight := g.retire(); inFlight != 0 || !drainedNow(g) {
		t.Errorf("%d requests in flight, drained: %t", inFlight, drainedNow(g))
	}
}
