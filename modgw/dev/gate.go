package dev

import (
	"context"
	"sync"
	"time"

	"github.com/modgw/modgw/modgw"
)

// gate holds requests back. Its zero value is open.
type gate struct {
	mu     sync.Mutex
	holds  map[modgw.AppName]int // "": for all apps
	opened chan struct{}         // closes when a hold ends; nil while no request waits
}

// hold closes the gate for an app until release is called, which may be called again.
func (g *gate) hold(name modgw.AppName) (release func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.holds == nil {
		g.holds = map[modgw.AppName]int{}
	}
	g.holds[name]++
	return sync.OnceFunc(func() { g.release(name) })
}

func (g *gate) release(name modgw.AppName) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.holds[name]--; g.holds[name] > 0 {
		return
	}
	delete(g.holds, name)
	if g.opened != nil {
		close(g.opened)
		g.opened = nil
	}
}

// wait returns true when the app is not held, and false if it is still held at the end of the
// limit.
func (g *gate) wait(ctx, closed context.Context, name modgw.AppName, limit time.Duration) bool {
	opened := g.shut(name)
	if opened == nil {
		return true
	}
	late := time.NewTimer(limit)
	defer late.Stop()
	for opened != nil {
		select {
		case <-opened:
		case <-late.C:
			return false
		case <-ctx.Done():
			return false
		case <-closed.Done():
			return false
		}
		opened = g.shut(name)
	}
	return true
}

// shut returns nil if the app is not held, and otherwise a channel that closes when it is worth
// asking again.
func (g *gate) shut(name modgw.AppName) <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.holds[name] == 0 && g.holds[""] == 0 {
		return nil
	}
	if g.opened == nil {
		g.opened = make(chan struct{})
	}
	return g.opened
}
