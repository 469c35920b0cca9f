package host

import (
	"time"

	"github.com/modgw/modgw/modgw"
	"github.com/modgw/modgw/reload"
)

// deployRequest asks a reconciler for a new generation.
type deployRequest struct {
	class      reload.Class      // reload.Nothing: a retry
	cause      string            // as logs and status show it
	descriptor *modgw.Descriptor // nil: the present one
	paths      []string          // the files that changed; nil: no file is the cause
	since      time.Time         // when the first of them changed; zero: no file is the cause
	done       []chan<- error    // each receives the outcome once; buffered
}

// merge adds a later request, whose cause replaces the earlier one.
func (r *deployRequest) merge(later deployRequest) {
	r.class = max(r.class, later.class)
	r.cause = later.cause
	r.done = append(r.done, later.done...)
}

// fail sends err to all who wait for the outcome.
func (r *deployRequest) fail(err error) {
	for _, c := range r.done {
		c <- err
	}
}
