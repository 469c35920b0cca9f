package modgw

import (
	"errors"
	"testing"

	"github.com/modgw/modgw/internal/faulttest"
)

func TestScaleIsWrittenAsItIsRead(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Scale{"4": {4, 4}, "1..8": {1, 8}, "1024": {1024, 1024}} {
		if got, err := ParseScale(text); got != want || err != nil || got.String() != text {
			t.Errorf("%q is %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "0", "-1", "8..1", "1..", "..8", "1..2000", "1.5", "a", "1...8"} {
		_, err := ParseScale(text)
		if !errors.As(err, new(*Fault)) {
			t.Errorf("%q was read: %v", text, err)
			continue
		}
		faulttest.Want(t, err.Error(), "MGW-APP-113")
	}
}

func TestWorkersCeilingHoldsForTheMost(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		have WSGI
		want Scale
	}{
		"a number":         {WSGI{Workers: 9}, Scale{4, 4}},
		"bounds":           {WSGI{Workers: 2, MaxWorkers: 9}, Scale{2, 4}},
		"bounds far above": {WSGI{Workers: 6, MaxWorkers: 9}, Scale{4, 4}},
		"less":             {WSGI{Workers: 1, MaxWorkers: 4}, Scale{1, 4}},
	} {
		d := Descriptor{Kind: KindWSGI, WSGI: &c.have}
		Ceilings{Workers: 4}.Lower(&d)
		if got := d.Scale(); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}
