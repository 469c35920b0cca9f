package modgw

import (
	"strings"
	"testing"
)

func TestRequestIDsThatCannotBeUsedAreNotTakenOver(t *testing.T) {
	for _, c := range []struct {
		given []string
		want  string
	}{
		{[]string{"aSk@x-1", "other"}, "aSk@x-1"},
		{[]string{"", "2c0f+/=_~:."}, "2c0f+/=_~:."},
		{[]string{"two, ids", "other"}, "other"},
		{[]string{"\x1b[31m", "a b", "a\nlevel=ERROR", "ü", "<script>", "\"", ""}, ""},
		{[]string{strings.Repeat("x", 128)}, strings.Repeat("x", 128)},
		{[]string{strings.Repeat("x", 129)}, ""},
		{nil, ""},
	} {
		if got := RequestID(c.given...); got != c.want {
			t.Errorf("%q: %q, want %q", c.given, got, c.want)
		}
	}
}
