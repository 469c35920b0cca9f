package eventloop

import "time"

// Limit finds stays on a loop that exceed a maximum. Its timer runs only while there are stays.
// Only the loop may use it.
type Limit struct {
	loop  *Loop
	most  time.Duration
	timer *timer
	stays Stay // the ends of a ring; next is the oldest stay
}

// Stay is something that stays on the loop for a while. The zero value does not.
type Stay struct {
	// Overdue is called when the stay has reached the limit. The stay has ended by then.
	Overdue func()

	begun      time.Duration
	prev, next *Stay
}

// NewLimit returns a limit.
func (l *Loop) NewLimit(most time.Duration) *Limit {
	m := &Limit{loop: l, most: most}
	m.stays.prev, m.stays.next = &m.stays, &m.stays
	m.timer = l.newTimer(m.look)
	return m
}

// Begin begins a stay.
func (m *Limit) Begin(s *Stay) {
	s.begun = m.loop.Now()
	s.prev, s.next = m.stays.prev, &m.stays
	s.prev.next, s.next.prev = s, s
	if !m.timer.isSet() {
		m.timer.Set(s.begun, m.most)
	}
}

// End ends a stay, if it has begun.
func (s *Stay) End() {
	if s.next == nil {
		return
	}
	s.prev.next, s.next.prev = s.next, s.prev
	s.prev, s.next = nil, nil
}

// look ends the overdue stays, and sets the timer again if any stays are left.
func (m *Limit) look() {
	now := m.loop.Now()
	for m.stays.next != &m.stays && now-m.stays.next.begun >= m.most {
		s := m.stays.next
		s.End()
		s.Overdue()
	}
	if first := m.stays.next; first != &m.stays {
		m.timer.Set(first.begun, m.most)
	}
}
