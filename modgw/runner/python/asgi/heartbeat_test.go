package asgi

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestHeartbeatGivesUpOnlyWhoShowsNoSign(t *testing.T) {
	t.Parallel()
	silent := errors.New("no answer")
	for name, c := range map[string]struct {
		ping func(*signs) error
		gone bool
	}{
		"answers":              {func(*signs) error { return nil }, false},
		"says nothing":         {func(*signs) error { return silent }, true},
		"is in a long message": {func(g *signs) error { g.heard.Add(1); return silent }, false},
		"cannot be heard":      {func(g *signs) error { g.waiting.Store(true); return silent }, false},
		"is being sent to":     {func(g *signs) error { g.sending.Store(true); return silent }, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var g signs
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				if gone := g.heartbeat(ctx, time.Minute, func(context.Context) error { return c.ping(&g) }); gone != c.gone {
					t.Errorf("gone: %v", gone)
				}
			})
		})
	}
}
