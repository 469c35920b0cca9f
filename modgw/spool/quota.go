package spool

import "sync/atomic"

// Quota limits the bytes that several accounts keep in files together. A nil quota, or one without
// a limit, limits nothing.
type Quota struct {
	limit atomic.Int64 // one more than the limit; 0: there is none
	used  atomic.Int64
}

// SetLimit sets the limit to n bytes. Bytes that are kept already stay. A negative n means zero.
func (q *Quota) SetLimit(n int64) { q.limit.Store(max(0, n) + 1) }

// Used returns the number of bytes in use.
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
