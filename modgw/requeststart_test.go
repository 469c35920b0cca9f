package modgw

import (
	"testing"
	"time"
)

func TestRequestStartIsReadInTheUnitOfEachWebServer(t *testing.T) {
	received := time.Date(2026, 3, 4, 5, 6, 7, 500_000_000, time.UTC) // 1772600767.5
	for header, want := range map[string]time.Duration{
		"t=1772600767400000":     100 * time.Millisecond, // Apache
		"t=1772600767.400":       100 * time.Millisecond, // nginx
		"1772600767400":          100 * time.Millisecond,
		"1772600767400.5":        99500 * time.Microsecond,
		"1772600767400000000":    100 * time.Millisecond,
		"t=1772600767":           500 * time.Millisecond,
		"t=1772600767.500":       0,
		"t=1772597167.500":       time.Hour,
		"t=1772597167.499":       -1, // too long ago
		"t=1772600768":           -1, // in the future
		"":                       -1,
		"t=":                     -1,
		"t=-1":                   -1,
		"now":                    -1,
		"t=1772600767.4x":        -1,
		"t=99999999999":          -1,
		"t=99999999999999999999": -1,
	} {
		start := RequestStart(header, received)
		switch {
		case want < 0 && !start.IsZero():
			t.Errorf("%q is believed: %s", header, start)
		case want >= 0 && received.Sub(start) != want:
			t.Errorf("%q is %s before, not %s", header, received.Sub(start), want)
		}
	}
}
