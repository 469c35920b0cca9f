package wire

import "cmp"

// ReceiveWindow counts the bytes that a stream may still receive. Its zero value means
// [InitialWindow].
type ReceiveWindow struct {
	Size     int // size of the window; 0: InitialWindow
	used     int // received and not given back
	consumed int // consumed and not given back
}

// Received counts n bytes of body that came; it is an error when the peer was not allowed to send
// them.
func (w *ReceiveWindow) Received(n int) error { return w.ReceivedWithin(n, w.size()) }

// ReceivedWithin is Received for bytes that are bounded by another window than others.
func (w *ReceiveWindow) ReceivedWithin(n, size int) error {
	if beyond := w.used + n - size; beyond > 0 && n > 0 {
		return Errorf("%d bytes of body beyond the window", beyond)
	}
	w.used += n
	return nil
}

func (w *ReceiveWindow) size() int { return cmp.Or(w.Size, InitialWindow) }

// Rest returns the number of bytes received and not given back, to be given back because they will
// not be read any more.
func (w *ReceiveWindow) Rest() int {
	back := w.used
	w.used, w.consumed = 0, 0
	return back
}

// Consumed counts n bytes that were used, and returns how many to give back to the peer now:
// nothing until it is worth a frame.
func (w *ReceiveWindow) Consumed(n int) int {
	w.consumed += n
	if w.consumed < w.size()/2 {
		return 0
	}
	back := w.consumed
	w.used -= back
	w.consumed = 0
	return back
}
