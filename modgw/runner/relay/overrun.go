package relay

// Overrun says what was done about a request that the app does not end in time. Its zero value is
// one whose time is not up.
type Overrun uint8

// The values of Overrun, in their order. A request may go from InTime to GivenUp.
const (
	InTime      Overrun = iota
	Interrupted         // the app was told to end it, and has some time more for that
	GivenUp             // its worker is replaced, and may take as long as it likes
)

// TimeUp is the event of time that is up, the request's or the one that it has after it was
// interrupted. interruptible says whether the app can be told. It returns what to do now.
func (o *Overrun) TimeUp(interruptible bool) Overrun {
	if *o == InTime && interruptible {
		*o = Interrupted
	} else {
		*o = GivenUp
	}
	return *o
}
