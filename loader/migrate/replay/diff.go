package replay

import "bytes"

// hunk is a difference: tokens of one text in the place of tokens of another one.
type hunk struct{ a, b span }

// mostEdits bounds the work and the memory of a diff: about its square.
const mostEdits = 1200

// diff returns the differences between two texts, in order. If more than [mostEdits] tokens differ,
// the middle between a common beginning and a common end is one hunk.
func diff(a, b text) []hunk {
	from := 0
	for from < a.len() && from < b.len() && bytes.Equal(a.token(from), b.token(from)) {
		from++
	}
	toA, toB := a.len(), b.len()
	for toA > from && toB > from && bytes.Equal(a.token(toA-1), b.token(toB-1)) {
		toA, toB = toA-1, toB-1
	}
	if from == toA && from == toB {
		return nil
	}
	m := myers{a, b, span{from, toA}, span{from, toB}, nil}
	hunks, ok := m.run()
	if !ok {
		return []hunk{{span{from, toA}, span{from, toB}}}
	}
	return hunks
}

// myers finds the shortest edit by the algorithm of Myers, "An O(ND) Difference Algorithm and Its
// Variations".
type myers struct {
	a, b   text
	ra, rb span    // ranges that are compared
	traces [][]int // furthest places by diagonal before each step
}

func (m *myers) run() (hunks []hunk, ok bool) {
	lenA, lenB := m.ra.to-m.ra.from, m.rb.to-m.rb.from
	limit := min(lenA+lenB, mostEdits)
	furthest := make([]int, 2*limit+2) // of diagonal k at limit+k
	for d := 0; d <= limit; d++ {
		m.traces = append(m.traces, append([]int(nil), furthest[limit-d:limit+d+2]...))
		for k := -d; k <= d; k += 2 {
			x := m.step(furthest, limit, d, k)
			for x < lenA && x-k < lenB && m.same(x, x-k) {
				x++
			}
			furthest[limit+k] = x
			if x >= lenA && x-k >= lenB {
				return m.trace(d, lenA, lenB), true
			}
		}
	}
	return nil, false
}

// step returns the position that d edits reach on diagonal k, before equal tokens are followed.
func (m *myers) step(furthest []int, zero, d, k int) int {
	if d == 0 {
		return 0
	}
	if k == -d || k != d && furthest[zero+k-1] < furthest[zero+k+1] {
		return furthest[zero+k+1]
	}
	return furthest[zero+k-1] + 1
}

func (m *myers) same(x, y int) bool {
	return bytes.Equal(m.a.token(m.ra.from+x), m.b.token(m.rb.from+y))
}

// trace goes back from the end and joins edits that touch to hunks.
func (m *myers) trace(d, x, y int) []hunk {
	var edits []hunk // from the last to the first
	for ; d > 0; d-- {
		furthest, k := m.traces[d], x-y
		down := k == -d || k != d && furthest[d+k-1] < furthest[d+k+1]
		before := k - 1
		if down {
			before = k + 1
		}
		px := furthest[d+before]
		py := px - before
		edit := hunk{span{px, px}, span{py, py}}
		if down {
			edit.b.to++
		} else {
			edit.a.to++
		}
		edits = append(edits, edit)
		x, y = px, py
	}
	var hunks []hunk
	for i := len(edits) - 1; i >= 0; i-- {
		e := edits[i].shift(m.ra.from, m.rb.from)
		if last := len(hunks) - 1; last >= 0 && hunks[last].touches(e) {
			hunks[last].a.to, hunks[last].b.to = e.a.to, e.b.to
			continue
		}
		hunks = append(hunks, e)
	}
	return hunks
}

// touches reports whether the other hunk begins where this one ends.
func (h hunk) touches(next hunk) bool { return h.a.to == next.a.from && h.b.to == next.b.from }

func (h hunk) shift(a, b int) hunk {
	return hunk{span{h.a.from + a, h.a.to + a}, span{h.b.from + b, h.b.to + b}}
}
