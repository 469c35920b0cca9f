package spool

import "sync/atomic"

// Quota bounds what several accounts keep in files together. A nil quota bounds nothing, and so
// does one without a limit.
type Quota struct {
	limit atomic.Int64 // one more than the limit; 0: there is none
	used  atomic.Int64
}

// SetLimit lets n bytes be kept from now on. What is kept already stays. Less than zero is zero.
func (q *Quota) SetLimit(n int64) { q.limit.Store(max(0, n) + 1) }

// Used is how many bytes are in use now.
func (q *Quota) Used() int64 { return q.used.Load() }

// take reports whether n more bytes are in use now.
func (q *Quota) take(n int64) bool {
	if q == nil {
		return true
	}
	used := q.used.Add(n)
	if limit := q.limit.Load(); limit > 0 && used >= limit {
		q.used.Add(-n)
		return false
	}
	return true
}

func (q *Quota) give(n int64) {
	if q != nil {
		q.used.Add(-n)
	}
}
