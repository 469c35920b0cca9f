package python

import (
	"context"

	"github.com/modgw/modgw/internal/proc"
	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/modgw/runner/python/control"
)

var _ modgw.Locator = (*Runner)(nil)

// Locate implements [modgw.Locator].
func (r *Runner) Locate(ctx context.Context, stack string) (found []modgw.Location, silent []int) {
	type question struct {
		worker  int
		pending *control.Question
	}
	var asked []question
	for _, driver := range r.Drivers() {
		if w := driver.(*worker); w.begun.Load() {
			asked = append(asked, question{w.Number, w.Locate(stack)})
		}
	}
	for _, q := range asked {
		select {
		case <-q.pending.Answered():
		case <-ctx.Done():
			select {
			case <-q.pending.Answered():
			default:
				silent = append(silent, q.worker)
				continue
			}
		}
		for _, p := range q.pending.Places() {
			found = append(found, modgw.Location{
				Worker: q.worker, Request: proc.Printable(p.Request), For: p.For, Module: proc.Printable(p.Module),
				Function: proc.Printable(p.Function), File: proc.Printable(p.File), Line: p.Line, Blocks: p.Blocks,
				Stack: proc.Printable(p.Stack),
			})
		}
	}
	return found, silent
}
