package logbudget

import "time"

// Limit is a limit on logging in a period.
type Limit struct {
	Records int           // records in a period
	Bytes   int           // bytes of records in a period
	Per     time.Duration // length of a period
}

// Dropped counts records that were not logged.
type Dropped struct {
	Records int // dropped records
	Bytes   int // bytes of these records
}

// Budget counts logged records against a limit. Only one goroutine at a time may use it.
type Budget struct {
	limit   Limit
	since   time.Time // when the current period began
	records int
	bytes   int
	spent   bool // a record was dropped: so are all further ones in this period
	dropped Dropped
}

// New returns a budget with everything left.
func New(l Limit) Budget { return Budget{limit: l} }

// Spend takes a record of this many bytes from the budget, or reports false and counts it as
// dropped. A single record may be larger than the limit.
func (b *Budget) Spend(now time.Time, bytes int) bool {
	b.begin(now)
	if b.spent || b.records >= b.limit.Records || b.bytes > 0 && b.bytes+bytes > b.limit.Bytes {
		b.drop(bytes)
		return false
	}
	b.records++
	b.bytes += bytes
	return true
}

// Extend takes further bytes for a record that was allowed, or reports false and counts them as a
// dropped record.
func (b *Budget) Extend(now time.Time, bytes int) bool {
	b.begin(now)
	if b.spent || b.bytes+bytes > b.limit.Bytes {
		b.drop(bytes)
		return false
	}
	b.bytes += bytes
	return true
}

// Charge takes bytes for a record that was allowed, even if the budget is used up.
func (b *Budget) Charge(bytes int) { b.bytes += bytes }

// TakeDropped returns the records dropped since its last call.
func (b *Budget) TakeDropped() Dropped {
	dropped := b.dropped
	b.dropped = Dropped{}
	return dropped
}

// Dropping reports whether something was dropped that TakeDropped has not returned.
func (b *Budget) Dropping() bool { return b.dropped.Records > 0 }

// idle reports whether the budget is like a new one.
func (b *Budget) idle(now time.Time) bool { return !b.Dropping() && now.Sub(b.since) >= b.limit.Per }

func (b *Budget) begin(now time.Time) {
	if now.Sub(b.since) >= b.limit.Per {
		b.since, b.records, b.bytes, b.spent = now, 0, 0, false
	}
}

func (b *Budget) drop(bytes int) {
	b.spent = true
	b.dropped.Records++
	b.dropped.Bytes += bytes
}
