package replay

import "slices"

// mask marks the parts of a text that may differ, because they differ between answers of the old
// server.
type mask struct {
	text  text
	parts []part // in their order; they do not touch
}

// part is a part of the text that varies.
type part struct {
	span
	longest int       // tokens that it had at most
	seen    [4]uint64 // ends of values in it, a bit for each byte
}

// slack is the number of tokens that a varying part may have beyond those seen: signs split a token
// in base64 into a varying number of parts.
const slack = 16

func newMask(b []byte) *mask { return &mask{text: newText(b)} }

// learn adds the differences to another answer of the old server.
func (m *mask) learn(other []byte) {
	b := newText(other)
	for _, h := range diff(m.text, b) {
		p := part{span: h.a}
		p.see(m.text, h.a)
		p.see(b, h.b)
		p.longest = max(h.a.to-h.a.from, h.b.to-h.b.from)
		m.add(m.grow(p))
	}
}

// grow makes a part as large as the value that it is in.
func (m *mask) grow(p part) part {
	before := p.span
	for p.from > 0 && !endsValue(m.text.first(p.from-1)) {
		p.from--
	}
	for p.to < m.text.len() && !endsValue(m.text.first(p.to)) {
		p.to++
	}
	p.to = m.text.padding(p.to)
	p.see(m.text, p.span)
	p.longest += before.from - p.from + p.to - before.to
	return p
}

// add adds a part, and joins those that touch.
func (m *mask) add(p part) {
	var kept []part
	for _, old := range m.parts {
		if old.to < p.from || p.to < old.from {
			kept = append(kept, old)
			continue
		}
		size := func(s span) int { return s.to - s.from }
		joined := span{min(old.from, p.from), max(old.to, p.to)}
		extra := max(old.longest-size(old.span), 0) + max(p.longest-size(p.span), 0)
		p.span, p.longest = joined, size(joined)+extra
		for i := range p.seen {
			p.seen[i] |= old.seen[i]
		}
	}
	m.parts = append(kept, p)
	slices.SortFunc(m.parts, func(a, b part) int { return a.from - b.from })
}

// compare returns the first difference that no part allows.
func (m *mask) compare(other text) (h hunk, differs bool) {
	for _, h := range diff(m.text, other) {
		if !slices.ContainsFunc(m.parts, func(p part) bool { return p.allows(h, other) }) {
			return h, true
		}
	}
	return h, false
}

func (p *part) allows(h hunk, other text) bool {
	if h.a.from < p.from || p.to < h.a.to || h.b.to-h.b.from > p.longest+slack {
		return false
	}
	for i := h.b.from; i < h.b.to; i++ {
		if !p.has(other.first(i)) {
			return false
		}
	}
	return true
}

// see records the kinds of tokens in a range. Signs within a value are interchangeable; tokens that
// end a value, such as a line or a tag, are only allowed at their place.
func (p *part) see(t text, s span) {
	for i := s.from; i < s.to; i++ {
		c := t.first(i)
		if !endsValue(c) {
			continue
		}
		p.seen[c/64] |= 1 << (c % 64)
	}
}

func (p *part) has(c byte) bool {
	return !endsValue(c) || p.seen[c/64]&(1<<(c%64)) != 0
}
