package proc

import "time"

// budget allows so many records in a second and counts the others.
type budget struct {
	perSecond int
	since     time.Time // when the second began
	spent     int
	dropped   int
}

func (b *budget) spend(now time.Time) bool {
	if now.Sub(b.since) >= time.Second {
		b.since, b.spent = now, 0
	}
	if b.spent >= b.perSecond {
		b.dropped++
		return false
	}
	b.spent++
	return true
}
