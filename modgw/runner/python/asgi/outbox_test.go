package asgi

import (
	"testing"

	"github.com/modgw/modgw/modgw/runner/python/mux"
)

// TestMessageThatNoStreamGotIsKept covers a message that the app of one generation may have
// received, and that the next generation has not got yet.
func TestMessageThatNoStreamGotIsKept(t *testing.T) {
	o := newOutbox(t.Context(), new(mux.Stream))
	o.kept = []message{{data: []byte("a"), end: 0}}
	o.stop()
	o.begin(t.Context(), new(mux.Stream))
	defer o.stop()
	if o.forget(); len(o.kept) != 1 || o.received != 0 {
		t.Errorf("%d messages are kept, and %d count as received", len(o.kept), o.received)
	}
	if err := o.account(0); err != nil || len(o.kept) != 1 {
		t.Errorf("%d messages are kept, %v", len(o.kept), err)
	}
}
