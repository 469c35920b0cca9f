package modgw

// Move is the target of a response that may last forever, when its generation or its worker is
// replaced: the generation that now answers the requests of its app. The request counts for both
// until [Move.Done] or [Move.Cancel].
type Move struct {
	info *RequestInfo
	to   *Generation
}

// Move returns the target for the response to the request; nil if there is none: the app has been
// stopped, or the host is about to end.
func (i *RequestInfo) Move() *Move {
	if i.generation == nil {
		return nil
	}
	for {
		g := i.app.current.Load()
		if g == nil || g.endless.isOver() {
			return nil
		}
		// One that is retired between the two calls has been replaced already.
		if g.countIn() {
			return &Move{i, g}
		}
	}
}

// Runner is the runner to go on with. It may be the one that the response is to leave, which has
// other workers then.
func (m *Move) Runner() Runner { return m.to.runner }

// Done assigns the request to the new generation alone. The goroutine that serves the request must
// call it.
func (m *Move) Done() {
	old := m.info.generation
	m.info.generation = m.to
	m.info.app.countRequest(m.to)
	old.countOut()
}

// Cancel leaves the request where it is.
func (m *Move) Cancel() { m.to.countOut() }
