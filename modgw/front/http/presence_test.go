package http

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestClientThatEndsItsSendingSideCountsAsGoneAfterAWhileWithoutAResponse(t *testing.T) {
	for name, c := range map[string]struct {
		happens  func(*presence)
		wantGone bool
	}{
		"waits":               {func(p *presence) { p.beginRequest(); p.endInput() }, true},
		"had ended it before": {func(p *presence) { p.endInput(); p.beginRequest() }, true},
		"is answered":         {func(p *presence) { p.beginRequest(); p.endInput(); p.beginResponse() }, false},
		"was answered":        {func(p *presence) { p.beginRequest(); p.beginResponse(); p.endInput() }, false},
		"waits for a second one": {func(p *presence) {
			p.endInput()
			p.beginRequest()
			p.beginResponse()
			p.beginRequest()
		}, true},
		"asks nothing":        {func(p *presence) { p.endInput() }, false},
		"was taken over":      {func(p *presence) { p.beginRequest(); p.endInput(); p.release() }, false},
		"is taken over later": {func(p *presence) { p.beginRequest(); p.release(); p.endInput() }, false},
		"is answered just before": {func(p *presence) {
			p.beginRequest()
			p.endInput()
			time.Sleep(halfOpenGrace - 1)
			p.beginResponse()
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var p presence
				ctx := p.context(t.Context())
				defer p.close()
				c.happens(&p)
				if ctx.Err() != nil {
					t.Error("it counts as gone at once")
				}
				time.Sleep(2 * halfOpenGrace)
				synctest.Wait()
				if gone := ctx.Err() != nil; gone != c.wantGone {
					t.Errorf("counts as gone: %v", gone)
				}
			})
		})
	}
}
