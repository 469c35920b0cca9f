package dashboard

import "sync/atomic"

const (
	mostStreams          = 64 // pages that follow the host at once
	mostStreamsOfSession = 12 // and of one browser
)

// limit limits the number of things that exist at once.
type limit struct {
	most int64
	now  atomic.Int64
}

// enter reports whether one more may begin; leave ends it.
func (l *limit) enter() bool {
	if l.now.Add(1) > l.most {
		l.now.Add(-1)
		return false
	}
	return true
}

func (l *limit) leave() { l.now.Add(-1) }
