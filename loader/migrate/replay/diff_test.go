package replay

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

// TestDiffTurnsOneTextIntoTheOther applies the hunks to the first text.
func TestDiffTurnsOneTextIntoTheOther(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		one := rapid.StringMatching(`([ab] ?|[<>\n])*`)
		a, b := newText([]byte(one.Draw(t, "a"))), newText([]byte(one.Draw(t, "b")))
		var made []byte
		at := 0
		for _, h := range diff(a, b) {
			if h.a.from < at {
				t.Fatalf("hunks overlap: %v", h)
			}
			made = append(made, a.bytes[a.offsets[at]:a.offsets[h.a.from]]...)
			made = append(made, b.bytes[b.offsets[h.b.from]:b.offsets[h.b.to]]...)
			at = h.a.to
		}
		made = append(made, a.bytes[a.offsets[at]:]...)
		if !bytes.Equal(made, b.bytes) {
			t.Fatalf("made %q of %q, want %q", made, a.bytes, b.bytes)
		}
	})
}

func TestTextsThatDifferInEverythingAreOneHunk(t *testing.T) {
	t.Parallel()
	a := newText(bytes.Repeat([]byte("a "), 5000))
	b := newText(bytes.Repeat([]byte("b-"), 5000))
	if hunks := diff(a, b); len(hunks) != 1 || hunks[0].a != (span{0, a.len()}) {
		t.Errorf("%d hunks", len(hunks))
	}
}

// TestWhatWasLearntIsAllowed: an answer that a mask was made from never differs from it.
func TestWhatWasLearntIsAllowed(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		one := rapid.StringMatching(`([ab0-9+=]{1,3}|[ <>"\n])*`)
		m := newMask([]byte(one.Draw(t, "first")))
		others := rapid.SliceOfN(one, 1, 4).Draw(t, "others")
		for _, other := range others {
			m.learn([]byte(other))
		}
		for _, other := range others {
			if h, differs := m.compare(newText([]byte(other))); differs {
				t.Fatalf("%q differs at %v", other, h)
			}
		}
	})
}
