package wire

// ReceiveWindow counts what a stream may still receive. Its zero value stands for [InitialWindow].
type ReceiveWindow struct {
	used     int // received and not given back
	consumed int // consumed and not given back
}

// Received counts n bytes of body that came; it is an error when the peer was not allowed to send them.
func (w *ReceiveWindow) Received(n int) error {
	w.used += n
	if w.used > InitialWindow {
		return protocolError("%d bytes of body beyond the window", w.used-InitialWindow)
	}
	return nil
}

// Consumed counts n bytes that were used, and returns how many to give back to the peer now: nothing until it is worth
// a frame.
func (w *ReceiveWindow) Consumed(n int) int {
	w.consumed += n
	if w.consumed < InitialWindow/2 {
		return 0
	}
	back := w.consumed
	w.used -= back
	w.consumed = 0
	return back
}
