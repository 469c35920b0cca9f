package process

import (
	"testing"
	"time"
)

func TestPulseTellsAHangFromASlowRequest(t *testing.T) {
	const limit = time.Minute
	began := time.Now()
	var p pulse
	p.begin()
	if p.expire(began) {
		t.Error("one request alone is no hang")
	}
	if due := p.due(began, limit); due != began.Add(stuckTime) {
		t.Errorf("the next one is looked at after %s", due.Sub(began))
	}
	p.begin()
	if !p.expire(began) || p.expire(began) {
		t.Error("two without an answer are one hang")
	}
	if !p.beat() {
		t.Error("an answer ends it")
	}
	p.begin()
	p.begin()
	if p.expire(began) {
		t.Error("a request that began before the latest answer tells nothing")
	}
	if due := p.due(began, limit); due != began.Add(limit) {
		t.Errorf("afterwards a request is looked at after %s", due.Sub(began))
	}
}
