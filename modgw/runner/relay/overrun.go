package relay

// Overrun is the state of a request that exceeds its time. The zero value means that its time is
// not up.
type Overrun uint8

// The values of Overrun, in their order. A request may go from InTime to GivenUp.
const (
	InTime      Overrun = iota
	Interrupted         // the app was told to end it, and has some more time for that
	GivenUp             // its worker is replaced, and may take as long as it likes
)

// TimeUp is the event that time is up: the request's, or the time that it has after an
// interruption. interruptible reports whether the app can be interrupted. It returns the next step.
func (o *Overrun) TimeUp(interruptible bool) Overrun {
	if *o == InTime && interruptible {
		*o = Interrupted
	} else {
		*o = GivenUp
	}
	return *o
}
